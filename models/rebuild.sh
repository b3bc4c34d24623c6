#!/bin/sh
# Make every shipped model file again from the trained weights beside them, the mtcnn package and the
# data: float and int8 .tflite files, ranges, intervals and threshold calibrations.
#
#     sh models/rebuild.sh DATA      DATA: the folder that holds data/
#
# Needs the installed project with its [bench] extra (TensorFlow, mtcnn). About six minutes on
# two cores. Run benchmarks/release.py afterwards: the figures belong to the files.
set -eu
data=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/detector" "$scratch/age"

# The cascade: the faces' usual places in each source are measured with it, and it says where faces
# are in the chips that scenes are composed of.
python -m faceage_models.export mtcnn --out "$scratch/detector"
python -m faceage_convert.ship --raw "$scratch/detector" --models models
for source in utkface fairface; do
    faceage-calibrate alignment --faces "$data/data/$source-train.tar" --detector mtcnn:float32 \
        --convention-name "$source" --json calibration/faceage_calibration/alignment.json
done
# Our own detector, from the weights that its two trainers left (models/face-finder/README.md).
python -m faceage_models.export face-finder --weights models/face-finder --out "$scratch/finder"
python -m faceage_convert.ship --raw "$scratch/finder" --models models

# Where the models err and how much, on the faces they were trained on; the curve of each file goes into
# the float file's contract, the interval's shape into that of the int8 file.
# Unseen faces of the old lack more than those learnt from, of the larger model: chosen on the faces that
# intervals are fitted on, so that they come out within three years on average.
for pair in age-mobilenet-coral:1.15 age-tiny:1; do
    name=${pair%:*}
    faceage-calibrate shape --model "$name" --faces "$data/data/utkface-train.tar" --crops detect \
        --unseen "${pair#*:}" --out "models/$name/$name.shape.json"
done
for name in age-mobilenet-coral age-tiny age-permissive; do
    python -m faceage_models.export age --name "$name" --weights "models/$name/$name.keras" \
        --out "$scratch/age"
done
python -m faceage_convert.ship --raw "$scratch/age" --models models

# Earlier int8 files would hand their measured figures on to the same graph.
rm -f models/age-*/*.int8.* models/face-finder/*.int8.* models/mtcnn/*.int8.*
# Provisional ranges of the age model, so that the shipped set converts and gives the int8
# detectors, one of which cuts the faces of the last step.
faceage-calibrate ranges --model models/age-mobilenet-coral/age-mobilenet-coral.float32.tflite \
    --faces "$data/data/utkface-calib.tar" --count 786 --crops aligned \
    --out models/age-mobilenet-coral/age-mobilenet-coral.ranges.json
for detector in face-finder mtcnn; do
    faceage-calibrate ranges --model "models/$detector" --faces "$data/data/fairface-train.tar" \
        --part train --count 1500 --clips "$data"/clips/*.gif --out "models/$detector"
    faceage-convert --quantize int8 --detector "$detector" --out "$scratch/$detector"
    cp "$scratch/$detector/$detector"-*.int8.* "models/$detector/"
done

# The interval is fitted on half of the validation faces beside those set aside for it, of which there
# are few; how often it holds is told of the other half.
faceage-calibrate choose --faces "$data/data/utkface-dev.tar" --count 1239 --spread as-found \
    --out "$scratch/interval.json"
for name in age-mobilenet-coral age-tiny; do
    faceage-convert --quantize int8 --model "models/$name/$name.float32.tflite" \
        --faces "$data/data/utkface-calib.tar" --count 786 \
        --eval-faces "$data/data/utkface-dev.tar" --shape "models/$name/$name.shape.json" \
        --interval-choice "$scratch/interval.json" --refine equalise round --out "$scratch/$name"
    cp "$scratch/$name/$name".int8.* "$scratch/$name/$name.ranges.json" "models/$name/"
    # The probability of being older than a threshold belongs to the int8 file.
    faceage-calibrate threshold --model "$name" --faces "$data/data/utkface-calib.tar" --crops detect
done
# The permissive model has seen nothing of UTKFace, and so its ranges have not. Bins of ages fit no
# interval, which it goes without.
faceage-calibrate ranges --model models/age-permissive/age-permissive.float32.tflite \
    --faces "$data/data/fairface-train.tar" --part choice --count 786 --crops detect \
    --out models/age-permissive/age-permissive.ranges.json
faceage-convert --quantize int8 --model age-permissive --out "$scratch/age-permissive"
cp "$scratch/age-permissive"/age-permissive.int8.* models/age-permissive/
