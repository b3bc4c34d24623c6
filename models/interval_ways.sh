#!/bin/sh
# Ways to the 90 % interval of shipped age models, side by side on the faces that it is fitted on, each tenth judged
# by what the others gave: models/interval-ways-NAME.json, which models/README.md quotes.
#
#     sh models/interval_ways.sh DATA      DATA: the folder that holds data/
#
# The half of the validation faces that the shipped interval's coverage is told of is not looked at. Two minutes.
set -eu
data=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# As in models/rebuild.sh: the half of the validation faces that intervals are fitted on.
faceage-calibrate choose --faces "$data/data/utkface-dev.tar" --count 1239 --spread as-found \
    --out "$scratch/interval.json"
for name in age-mobilenet-coral age-tiny; do
    python -m faceage_benchmarks.interval_ways --model "$name" --shape "models/$name/$name.shape.json" \
        --faces "$data/data/utkface-calib.tar" --more "$data/data/utkface-dev.tar" --choice "$scratch/interval.json" \
        --json "models/interval-ways-$name.json"
done
