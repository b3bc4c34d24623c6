#!/bin/sh
# Fetch the pictures without people that face-finder's training scenes stand before.
#
#     sh models/backgrounds.sh OUT      OUT: the folder to fill
#
# Debian 12's packages of wallpapers (CC BY, CC BY-SA, GPL) and of OpenCV's examples (Apache-2.0, BSD),
# unpacked but not installed, and what scikit-image carries. Needs apt-get, dpkg, network, and the
# environment's python. Nothing of it enters the repository.
set -eu
out=$1
mkdir -p "$out"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(
    cd "$scratch"
    apt-get download -o APT::Sandbox::User=root \
        lomiri-wallpapers lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
        mate-backgrounds ukui-wallpapers opencv-doc
    for package in *.deb; do dpkg -x "$package" unpacked; done
    cp "$(python -c 'import skimage; print(skimage.__path__[0])')"/data/*.png \
        "$(python -c 'import skimage; print(skimage.__path__[0])')"/data/*.jpg unpacked/
)
# Left out: people, their drawings, and what MTCNN takes for one (astronaut to Wine); masks and plain
# sheets; what is there twice; what is smaller than a frame (below 40 kB all that is left is drawn).
find "$scratch/unpacked" \( -name '*.png' -o -name '*.jpg' \) -size +40000c \
    ! -path '*/html/*' ! -path '*/trimaps/*' \
    ! -name 'astronaut*' ! -name 'camera.png' ! -name 'basketball*' ! -name 'friends_by*' \
    ! -name 'messi5*' ! -name 'input.png' ! -name 'Picture_0B*' ! -name 'sudoku*' \
    ! -name 'motorcycle_left*' ! -name 'Wine_by*' ! -name 'lfw*' ! -name 'color.png' \
    ! -name 'horse.png' ! -name 'logo.png' ! -name 'phantom.png' ! -name 'microaneurysms.png' \
    ! -name 'moon.png' ! -name 'cell.png' ! -name 'page.png' ! -name 'text.png' \
    ! -name 'chessboard_*' ! -name 'aloeGT*' ! -name 'gradient*' ! -name 'Arc-Colors*' \
    ! -name 'Silk*' ! -name 'Spring*' ! -name 'Waves*' ! -name 'MATE-Stripes*' \
    ! -name 'Elephants_*' ! -name 'scenetext_word*' | sort | while read -r file; do
    # Two packages have a butterfly.
    cp "$file" "$out/$(basename "$(dirname "$file")")-$(basename "$file")"
done
echo "$(find "$out" -type f | wc -l) pictures in $out"
