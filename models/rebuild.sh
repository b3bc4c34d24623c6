#!/bin/sh
# Make every shipped model file again from the pilot's weights, the mtcnn package and the data.
#
#     sh models/rebuild.sh DATA      DATA: the folder that holds data/ and weights/
#
# Needs the installed project with its [bench] extra (TensorFlow, mtcnn). About six minutes on two
# cores. Run benchmarks/release.py afterwards: the figures belong to the files.
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

python -m faceage_models.export age --out "$scratch/age" \
    --weights "$data/weights/pilot_mobilenet_0.75_128_coral.npz"
python -m faceage_convert.ship --raw "$scratch/age" --models models

# Earlier int8 files would hand their measured figures on to the same graph.
rm -f models/age-mobilenet/*.int8.* models/face-finder/*.int8.* models/mtcnn/*.int8.*
# Provisional ranges of the age model, so that the shipped set converts and gives the int8
# detectors, one of which cuts the faces of the last step.
faceage-calibrate ranges --model models/age-mobilenet/age-mobilenet.float32.tflite \
    --faces "$data/data/utkface-calib.tar" --count 786 --crops aligned \
    --out models/age-mobilenet/age-mobilenet.ranges.json
for detector in face-finder mtcnn; do
    # MTCNN's networks do not change, and neither need its ranges: remove them to record them anew.
    if [ "$detector" = face-finder ] || [ ! -f models/mtcnn/mtcnn-onet.ranges.json ]; then
        faceage-calibrate ranges --model "models/$detector" \
            --faces "$data/data/fairface-train.tar" --part train --count 1500 \
            --clips "$data"/clips/*.gif --out "models/$detector"
    fi
    faceage-convert --quantize int8 --detector "$detector" --out "$scratch/$detector"
    cp "$scratch/$detector/$detector"-*.int8.* "models/$detector/"
done

faceage-convert --quantize int8 --model models/age-mobilenet/age-mobilenet.float32.tflite \
    --faces "$data/data/utkface-calib.tar" --count 786 \
    --eval-faces "$data/data/utkface-dev.tar" --out "$scratch/bundle"
cp "$scratch"/bundle/age-mobilenet.int8.* "$scratch"/bundle/age-mobilenet.ranges.json \
    models/age-mobilenet/
