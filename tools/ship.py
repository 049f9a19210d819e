"""Put a run's weights into the package, with their card and graphs; or stamp measured scores onto the card of those that ship.

    python tools/ship.py parts --run runs/x                      the run's mean weights, float16, to src/likeness/weights/
    python tools/ship.py parts --scores a.json b.json            what likeness evaluate -o wrote for the shipped weights
    python tools/ship.py parts --store int8                      the shipped weights in half the room; measure them again

Ship only what measures better on validation people than what ships; write both figures into results/LOG.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch
from chains import CHAINS

from likeness import assets, systems
from likeness.card import STORES, read_card, storage
from likeness.checkpoint import read_weights, write_weights
from likeness.errors import LikenessError
from likeness.export import export
from likeness.recipe import thaw
from likeness.train.run import commit

NOTES = {
    "parts": (
        "**Makes**: a 128 × 128 face around facial parts. **For**: research on synthesis and recognition, art, sketches "
        "of what a face might look like. **Not for**: telling who somebody is, or evidence; what the parts do not show is "
        "guessed. **Trained on**: LFW (public figures of about 2000 to 2010, more men than women, most light-skinned), "
        "CelebAMask-HQ, and 6,000 clean faces of other collections; expect it to be weaker on people whom those do not show. "
        "**Choices** of the second sitting were made on validation people alone (tools/choose_parts.py). In the first there was "
        "a lapse: at step 5,000 the figures of 40 test people of LFW were printed by mistake, and λ_adv and the cooldown were "
        "decided after seeing them."
    ),
    "portrait": (
        "**Makes**: a 128 × 128 photo of anybody from a drawing in one of six effects; one person's model is begun from "
        "it. **For**: art, sketches of what a face might look like, research on image translation. **Not for**: telling "
        "who somebody is, or evidence: colours, and whatever the drawing leaves open, are guessed. **Trained on**: LFW "
        "(public figures of about 2000 to 2010, more men than women, most light-skinned), CelebAMask-HQ and 6,000 clean faces of "
        "other collections; expect it to be weaker on people whom those do not show, and their skin to be drawn towards those. "
        "**Choices** (λ, effects) were made on validation people by eye, PSNR and LPIPS."
    ),
    "parser": (
        "**Makes**: a soft map of eight classes (background, skin, brows, eyes, nose, inner mouth, lips, hair) of a face. "
        "**For**: parsing photos and drawings for synthesis and research. **Not for**: telling who somebody is, or "
        "judging looks. **Seen**: CelebAMask-HQ (celebrities, well lit, most of them light-skinned and made up); expect "
        "it to be weaker on others. Glasses count as eyes, ears and neck as skin, hats and clothes as background. "
        "**Choices** (none but the recipe as it was first written) were made on validation people; the last 100 names are "
        "test people and were not learned from."
    ),
    "landmark_detector": (
        "**Makes**: the 68 landmarks of a face, in iBUG's order. **For**: aligning faces, landmarks to draw from, research. "
        "**Not for**: telling who somebody is, what somebody feels or thinks, or watching people. **Seen**: LFW and "
        "CelebAMask-HQ with dlib's landmarks (those that dlib also found in the mirror image), and frames of YouTube Faces "
        "with the landmarks that come with them: public figures, more men than women, most light-skinned, few profiles; "
        "expect it to be weaker on others. It says as much of a face half hidden as of one in full view. **Choices** (none "
        "but the recipe as it was first written) were made on validation people."
    ),
    "face_detector": (
        "**Makes**: where in a photo faces are. **For**: aligning faces. **Not for**: watching or counting people. **Seen**: "
        "LFW and CelebAMask-HQ, where dlib found faces, in mosaics: public figures, more men than women, most light-skinned, "
        "few profiles, few faces hidden in part; expect it to miss others sooner. **Choices** (none but the recipe as it was "
        "first written) were made on validation people."
    ),
    "landmark": (
        "**Makes**: a generic face, 128 × 128, from 68 landmarks. **For**: trying landmarks, the editor and "
        "reenactment without a person's consent being needed; research. **Not for**: passing it off as somebody. **Seen**: LFW "
        "(public figures of about 2000 to 2010, more men than women, most light-skinned) and CelebAMask-HQ. It guesses sex, age, "
        "descent and light from the shape of a face as these photos have it; a made face is no likeness of the driver, but is "
        "more like the driver than a stranger is. **Choices** were made on validation people, by eye."
    ),
    "facefeat": (
        "**Makes**: 128 × 128 photos of the person of one photo, in poses, expressions and light by chance, kept or chosen; "
        "of a framed face also numbers that tell who it is (E_id), its pose and expression (E_1). **For**: research on "
        "synthesis and recognition, sets of people who do not exist, art. **Not for**: telling who somebody is in earnest, "
        "watching people, or passing a made face off as a photo of somebody. **Trained on**: LFW (public figures of about "
        "2000 to 2010, more men than women, most light-skinned), CelebAMask-HQ and 6,000 clean faces of other collections; "
        "expect it to be weaker on people whom those do not show. E_id learned what mobilefacenet_a says, through a layer "
        "that tells apart the people of three photos or more. **State**: three sittings of the painter: people are "
        "kept, heads turn; hair and grounds are smudged. **Choices**: none were "
        "made on test people."
    ),
    "joint": (
        "**Makes**: a 128 × 128 face from any mix of facial parts, a drawing, a parsing, landmarks, pixels to keep, a "
        "person and a look, or of nothing. **For**: research on synthesis, art, sketches of what a face might look like. "
        "**Not for**: telling who somebody is, or evidence: whatever the conditions leave open is guessed. **Trained "
        "on**: LFW (public figures of about 2000 to 2010, more men than women, most light-skinned), CelebAMask-HQ and "
        "6,000 clean faces of other collections; expect it to be weaker on people whom those do not show. **State**: four "
        "sittings of many: drawings, whole or with features rubbed out, parsings, persons and people by chance are faces; parts "
        "lie on them as if pasted, turned heads may be double, hair has a weave. **Choices** were made on validation people, by "
        "eye."
    ),
    "isegan_sketch": (
        "**Makes**: a pencil sketch of 200 × 250 from a photo of a face, in the manner of CUFS's artists. **For**: art, "
        "and research on sketches and photos. **Not for**: telling who somebody is, or evidence. **Seen**: 268 people in "
        "front of a plain ground, students in Hong Kong and volunteers in Spain and Britain, each drawn by one artist; "
        "light from the side and busy grounds were not among them. **Choices**: none were made on test people; the recipe "
        "is the one first written. P_s comes from the parser of step 4,000 that ships beside it."
    ),
    "isegan": (
        "**Makes**: a 200 × 250 photo from an artist's sketch framed like CUFS, through a parsing that can be edited. "
        "**For**: research on sketch and photo, art. **Not for**: telling who somebody is, or evidence: colours, and "
        "whatever the sketch leaves open, are guessed, and a made face may look like somebody who has nothing to do with "
        "it. **Seen**: 268 people in front of a plain ground, students in Hong Kong and volunteers in Spain and Britain, "
        "in three photographers' light, drawn by artists; and 788 people of CelebAMask-HQ (celebrities, well lit, most of them "
        "light-skinned and made up), drawn by six effects. It carries their light and skin to whatever it is given. **Choices**: "
        "whether drawings are mixed in was chosen on validation people; none were made on test people. "
        "P_s comes from the parser of step 4,000 that ships beside it."
    ),
}
NOTES = {name: f"{words} {CHAINS[name].told}" for name, words in NOTES.items()}
RESEARCH = "trained on LFW (research) and CelebAMask-HQ (non-commercial research); use the weights for non-commercial research"
TERMS = {
    "landmark_detector": f"{RESEARCH}; also on YouTube Faces (research)",
    "face_detector": RESEARCH,
    "landmark": RESEARCH,
    "facefeat": f"{RESEARCH}; also on other collections of faces for research",
    "joint": f"{RESEARCH}; also on other collections of faces for research",
    "parts": f"{RESEARCH}; also on other collections of faces for research",
    "portrait": f"{RESEARCH}; also on other collections of faces for research",
    "parser": "trained on CelebAMask-HQ (non-commercial research); use the weights for non-commercial research",
    "isegan": (
        "trained on CUFS (research) and CelebAMask-HQ (non-commercial research); use the weights for non-commercial research"
    ),
    "isegan_sketch": (
        "trained on CUFS (research), with a parser trained on CelebAMask-HQ; use the weights for non-commercial research"
    ),
}


def main() -> None:
    """Ship or stamp."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=[*systems.SYSTEMS])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--as", dest="name", help="the weights' folder, where it is not called like the system (isegan_sketch)")
    parser.add_argument("--before", type=int, default=0, help="steps that G took in the runs which this one was begun from")
    parser.add_argument("--scores", type=Path, nargs="+", default=[])
    parser.add_argument("--store", choices=STORES, help="how tensors are kept (default: as they were, float16 for a run's)")
    given = parser.parse_args()
    target = assets.WEIGHTS / given.name / "weights.safetensors" if given.name else systems.weights_path(given.system)
    if given.run:
        state = torch.load(given.run / "state.pt", map_location="cpu", weights_only=True)
        card = read_card(given.run / "weights.safetensors")
        terms = TERMS[given.name or given.system]
        card = replace(card, step=given.before + state["step"], commit=commit(), scores={}, terms=terms)
        card = replace(card, notes=NOTES[given.name or given.system])
        kept = systems.row(given.system).build(thaw(systems.row(given.system).recipe_class(), card.recipe)).shipped_state()
        write_weights(target, {name: state["mean"][name] for name in kept}, card, given.store or "float16")
    card, weights = read_weights(target)
    store = given.store or storage(target)
    changed = store != storage(target)
    scores: dict[str, str] = {} if given.scores or changed else dict(card.scores)
    for path in given.scores:
        said = json.loads(path.read_text())
        measured = said["face_detector_step"] if given.system == "face_detector" else said["step"]
        if measured != card.step:
            raise LikenessError(f"{path}: was measured on step {measured}, the shipped weights are of step {card.step}")
        first, key = said["lines"][0], said["data"]
        if "given" in first:
            figures = []
            for one in said["lines"]:
                if one["method"] == "joint" and one["given"] in ("parts", "pencil", "landmarks", "identity", "nothing"):
                    lpips, identity = (one[name][0] for name in ("lpips", "identity"))
                    figures.append(f"{one['given']}: LPIPS {lpips:.3f}, identity {identity:.3f}, kernel {one['kernel']:.1f}")
            line = "; ".join(figures) + f"; N = {said['faces']}"
        elif "similarity" in first:
            line = f"similarity of photo and made face {first['similarity'][0]:.3f}, "
            line += f"a face found in {first['face_found_percent']:.0f} %; N = {said['faces']}"
        elif "effect" in first:
            figures = []
            for one in said["lines"]:
                if one["method"] == "ours":
                    psnr, lpips, identity = (one[name][0] for name in ("psnr", "lpips", "identity"))
                    figures.append(f"{one['effect']} {psnr:.2f} dB, LPIPS {lpips:.3f}, identity {identity:.3f}")
            line = "; ".join(figures) + f"; N = {said['faces']}"
        elif "fsim" in first:
            ours = next(one for one in said["lines"] if one["method"] == said["recipe"])
            lpips, nlda = float(ours["lpips_squeeze"]), float(ours["nlda %"])
            line = f"FSIM {ours['fsim']}, LPIPS-squeeze {lpips:.4f}, NLDA {nlda:.2f} %, identity {ours['identity']:.3f}"
            line += f", N = {said['faces']}"
        elif "mean_iou" in first:
            line = (
                "; ".join(f"{one['method']}: mean IoU {one['mean_iou']:.3f}" for one in said["lines"]) + f"; N = {said['faces']}"
            )
        elif "nme" in first:
            line = f"inter-ocular error {first['nme']} %, over 8 %: {first['failed']} %, not found: {first['undetected']}"
            line += f"; with the face detector of step {said['face_detector_step']:,}, N = {said['faces']}"
        elif "follows" in first:
            line = f"landmarks followed to {first['follows']:.1f} % of the eyes' outer corners, not found: {first['undetected']}"
            line += f", like the driver: {first['like_driver']:.3f}; N = {said['faces']}"
        elif "psnr" in first:
            psnr, ssim, identity = (first[name][0] for name in ("psnr", "ssim", "identity"))
            line = f"PSNR {psnr:.2f} dB, SSIM {ssim:.3f}, identity {identity:.3f}, N = {said['faces']}"
        else:
            key += ", landmarks of faces from displaced or magnified parts, in per cent of the eye distance"
            line = "; ".join(f"{one['change']}: {one['error']:.1f} %" for one in said["lines"]) + f", N = {said['faces']}"
        scores[key] = line
    write_weights(target, weights, replace(card, scores=scores, notes=NOTES[given.name or given.system]), store)
    for graph in export(target):
        print(f"{graph}: {graph.stat().st_size / 1e3:.0f} kB")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, step {card.step}")


if __name__ == "__main__":
    main()
