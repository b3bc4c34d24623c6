#!/bin/sh
# How large should the face be in its crop? Small networks trained at several sizes on a quarter of the
# faces, three seeds each: models/crop-sweep.json, which models/README.md quotes.
#
#     sh models/crop_sweep.sh DATA WORK FACERES.json
#
# DATA holds data/; WORK keeps packed faces, start weights and runs, which go on where they stopped; where
# FACERES.json comes from is said in models/README.md. A quarter of an hour on two cores.
set -eu
data=$1 work=$2 faceres=$3
mkdir -p "$work"
start=$work/start.npz
[ -f "$start" ] || python -m faceage_models.face_start --model "$faceres" --data "$data/data/utkface-train.tar" \
    --alpha 0.375 --size 96 --out "$start"
for zoom in 0.8 1.0 1.25; do
    pack="--zoom $zoom --cut 96 --pack"
    train=$work/train-$zoom.faces.npz dev=$work/dev-$zoom.faces.npz
    # shellcheck disable=SC2086  # words, not one
    [ -f "$train" ] || faceage-train --data "$data/data/utkface-train.tar" --share 0.25 $pack "$train"
    # shellcheck disable=SC2086
    [ -f "$dev" ] || faceage-train --validate "$data/data/utkface-dev.tar" $pack "$dev"
    for seed in 1 2 3; do
        faceage-train --data "$train" --validate "$dev" --zoom "$zoom" --alpha 0.375 --size 96 --start "$start" \
            --rate 2e-3 --decay 0.02 --epochs 5 --seed "$seed" --workers 1 --out "$work/$zoom-$seed"
    done
done
python -m faceage_models.crop_sweep "$work" --json models/crop-sweep.json
