#!/bin/sh
# Make the int8 files of shipped age models in several ways, and measure each beside its float model on
# identical crops: the table "Ways to int8" of models/README.md.
#
#     sh models/int8_ways.sh DATA WORK [NAME:ALPHA:SIZE:STEPS:SEEDS ...]
#
# DATA holds data/; WORK keeps packed faces and training runs, which go on where they stopped. Needs the
# installed project with [qat] and [convert]. STEPS are those of one of four epochs of QAT, SEEDS as in 1,2; with
# 0 STEPS nothing is trained, and rows of QAT stay as they are. On two cores about ten minutes for packing faces,
# five for each run of age-tiny and twenty for one of age-mobilenet-coral; a minute or two for each other way.
# Nothing of models/ but the table is changed; WORK is given relative to the checkout, for results that state paths.
set -eu
data=$1 work=$2
shift 2
[ $# -gt 0 ] || set -- age-tiny:0.375:96:100:1,2,3 age-mobilenet-coral:0.75:128:60:1
mkdir -p "$work"

# The packed faces that networks are trained and chosen on.
pack_all() {
    for set in train:data/utkface-train fair:data/fairface-train; do
        pack=$work/${set%%:*}.faces.npz
        [ -f "$pack" ] || faceage-train --data "$data/${set#*:}.tar" --cut 128 --pack "$pack"
    done
    [ -f "$work/dev.faces.npz" ] || faceage-train --validate "$data/data/utkface-dev.tar" --cut 128 --pack "$work/dev.faces.npz"
}

for network; do
    IFS=: read -r name alpha size steps seeds <<END
$network
END
    model=models/$name/$name
    python -m faceage_convert.plain_int8 --model "$name" --out "$work/$name.plain.int8.tflite"
    ways="plain:$work/$name.plain.int8.tflite"
    # Each way as it is: no gate that would go on to the next one.
    for way in biases clip equalise round equalise-round; do
        refine=$(echo "$way" | sed 's/biases//; s/-/ /; s/^./--refine &/')
        # shellcheck disable=SC2086  # words, not one
        faceage-convert --model "$model.float32.tflite" --faces "$data/data/utkface-calib.tar" --count 786 \
            --eval-faces "$data/data/utkface-dev.tar" --eval-count 300 --max-drop 50 --max-band-drop 90 \
            $refine --out "$work/$name-$way"
        ways="$ways $way:$work/$name-$way/$name.int8.tflite"
    done
    [ "$steps" = 0 ] && seeds= || pack_all
    for seed in $(echo "$seeds" | tr , ' '); do
        run=$work/$name-$seed
        # The float model itself says what is to be answered: what is learnt is the rounding, nothing else.
        faceage-train --qat --start "$model.keras" --alpha "$alpha" --size "$size" \
            --data "$work/train.faces.npz" "$work/fair.faces.npz" --validate "$work/dev.faces.npz" \
            --teacher "$model.keras" --teacher-share 1 --workers 1 --batch 32 --epoch-steps "$steps" --epochs 4 \
            --seed "$seed" --out "$run"
        faceage-convert --qat --model "$run/best.keras" --contract "$model.float32.json" --out "$run-int8"
        ways="$ways qat-$seed:$run-int8/$name.int8.tflite"
    done
    for way in $ways; do
        faceage-benchmark accuracy --model "${way#*:}" --against "$model.float32.tflite" \
            --faces "$data/data/utkface-dev.tar" --crops aligned --json "benchmarks/results/int8-$name-${way%%:*}.json"
    done
done
python -m faceage_benchmarks.int8_table
