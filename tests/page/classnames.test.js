// The names of ImageNet's classes: line i of each file belongs to the same class.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { imagenetStart } from "../../www/lab/classnames.js";
import { findClasses } from "../../www/lab/findclasses.js";

const texts = Object.fromEntries(
  ["imagenet-classes.txt", "imagenet-classes.ko.txt", "imagenet-synsets.txt"].map((name) => [
    name,
    readFileSync(new URL(`../../www/weights/${name}`, import.meta.url), "utf8"),
  ]),
);
const [english, korean, synsets] = Object.values(texts).map((text) => text.trimEnd().split("\n"));

/** Korean names with Latin letters or digits. */
const NOT_HANGUL = ["2인용 자전거", "CD 플레이어", "포드 모델 T"];

/** Endings of a family's Korean names, and the matching English words. */
const FAMILIES = [
  [/테리어$/, /terrier/],
  [/스패니얼$/, /spaniel/],
  [/리트리버$/, /retriever/],
  [/슈나우저$/, /schnauzer/],
  [/푸들$/, /poodle/],
  [/세터$/, /setter/],
  [/하운드$/, /hound|bluetick|redbone/],
  [/시프도그$/, /sheepdog/],
  [/고양이$/, /\bcat\b/],
  [/여우$/, /fox/],
  [/늑대$/, /wolf/],
  [/곰$/, /bear/],
  [/여우원숭이$/, /lemur/],
  [/코끼리$/, /elephant/],
  [/거북$/, /turtle|terrapin/],
  [/도마뱀(붙이)?$/, /lizard|gecko|anole|agama|Gila|Komodo/],
  [/악어$/, /crocodile|alligator/],
  [/방울뱀$/, /rattlesnake/],
  [/거미$/, /spider|black widow|harvestman/],
  [/나비$/, /butterfly|admiral/],
  [/호박$/, /squash|zucchini/],
  [/버섯$/, /mushroom|fung|agaric|gyromitra|stinkhorn|earthstar|hen-of-the-woods|bolete/],
  [/울타리$/, /fence/],
  [/가게$/, /shop|store/],
  [/플레이어$/, /player/],
];

/** Classes whose English word is ambiguous, or whose neighbour has a similar name. */
const SENSES = [
  ["n01514668", "cock", "수탉"],
  ["n01514859", "hen", "암탉"],
  ["n01608432", "kite", "솔개"],
  ["n01847000", "drake", "수오리"],
  ["n02012849", "crane", "두루미"],
  ["n03126707", "crane", "크레인"],
  ["n02105855", "Shetland sheepdog", "셰틀랜드 시프도그"],
  ["n02108089", "boxer", "복서"],
  ["n02123045", "tabby", "얼룩무늬 고양이"],
  ["n02127052", "lynx", "스라소니"],
  ["n02190166", "fly", "파리"],
  ["n02229544", "cricket", "귀뚜라미"],
  ["n02389026", "sorrel", "밤색 말"],
  ["n02879718", "bow", "활"],
  ["n02910353", "buckle", "버클"],
  ["n03042490", "cliff dwelling", "절벽 주거지"],
  ["n03131574", "crib", "아기 침대"],
  ["n03337140", "file", "서류 캐비닛"],
  ["n03532672", "hook", "갈고리"],
  ["n03710637", "maillot", "수영복"],
  ["n03710721", "maillot", "원피스 수영복"],
  ["n03773504", "missile", "미사일"],
  ["n03786901", "mortar", "절구"],
  ["n03793489", "mouse", "마우스"],
  ["n03804744", "nail", "쇠못"],
  ["n03825788", "nipple", "젖병 꼭지"],
  ["n03854065", "organ", "파이프 오르간"],
  ["n03954731", "plane", "대패"],
  ["n04008634", "projectile", "발사체"],
  ["n04118776", "rule", "눈금자"],
  ["n04325704", "stole", "숄"],
  ["n04355933", "sunglass", "색안경"],
  ["n04356056", "sunglasses", "선글라스"],
  ["n12144580", "corn", "옥수수"],
  ["n13133613", "ear", "이삭"],
  ["n15075141", "toilet tissue", "화장지"],
];

/** What a person finds who looks for something, by its first English name. @param {string} query */
function search(query) {
  const rows = english.map((names, i) => [names, korean[i], synsets[i]].join(", "));
  return findClasses(rows, query).map((i) => english[i].split(", ")[0]);
}

test("classes are found in both languages, by parts of names, and by their synset", () => {
  assert.deepEqual(search("egyptian cat"), ["Egyptian cat"]);
  assert.deepEqual(search(" CAT Egypt"), ["Egyptian cat"], "words in any order, of any case");
  assert.deepEqual(search("n02124075"), ["Egyptian cat"]);
  const i = english.findIndex((names) => names.startsWith("tabby"));
  assert.deepEqual(search(korean[i]), ["tabby"]);
  assert.deepEqual(search(korean[i].replaceAll(" ", "")), ["tabby"], "Koreans write it without the space too");
  assert.deepEqual(search(korean[i].normalize("NFD")), ["tabby"], "as macOS types it");
  const cats = search("cat");
  assert.ok(cats.indexOf("Egyptian cat") < cats.indexOf("catamaran"), "whole words come first");
  assert.equal(search("").length, 1000);
  assert.deepEqual(search("no such class"), []);
});

test("a network's classes are taken for ImageNet's by their names", () => {
  assert.equal(imagenetStart(english), 0);
  assert.equal(imagenetStart(["background", ...english]), 1);
  assert.equal(imagenetStart(english.with(999, "dog")), -1);
  assert.equal(imagenetStart(["cat", "dog"]), -1);
  assert.equal(imagenetStart([]), -1);
});

test("each file has a line for every class, and nothing else", () => {
  for (const [name, text] of Object.entries(texts)) {
    const lines = text.split("\n");
    assert.equal(lines.pop(), "", `${name} ends with a line's end`);
    assert.equal(lines.length, 1000, name);
    for (const line of lines) assert.match(line, /^\S+( \S+)*$/, `${name}: spaces`);
  }
});

test("synset ids are WordNet's, in ImageNet's order", () => {
  for (const id of synsets) assert.match(id, /^n\d{8}$/);
  for (const [i, id] of synsets.slice(1).entries()) assert.ok(id > synsets[i], `${id} after ${synsets[i]}`);
});

test("Korean names are Korean, short, and no two alike", () => {
  const seen = new Map();
  for (const [i, name] of korean.entries()) {
    assert.equal(name, name.normalize("NFC"), `line ${i + 1} is in NFC`);
    if (!NOT_HANGUL.includes(name)) assert.match(name, /^[가-힣]+( [가-힣]+)*$/, `line ${i + 1}`);
    assert.ok(name.length <= 16, `line ${i + 1}: ${name}`);
    const unspaced = name.replaceAll(" ", "");
    assert.ok(!seen.has(unspaced), `lines ${seen.get(unspaced)} and ${i + 1}: ${name}`);
    seen.set(unspaced, i + 1);
  }
  for (const name of NOT_HANGUL) assert.ok(korean.includes(name), `${name} is not among the names`);
});

test("a family's Korean names match its English ones", () => {
  for (const [ending, word] of FAMILIES) {
    const found = korean.map((name, i) => [name, english[i]]).filter(([name]) => ending.test(name));
    assert.ok(found.length > 0, `${ending}`);
    for (const [name, names] of found) assert.match(names, word, name);
  }
});

test("a word with two meanings has that of its synset", () => {
  for (const [id, word, name] of SENSES) {
    const i = synsets.indexOf(id);
    assert.deepEqual([english[i].split(", ")[0], korean[i]], [word, name], id);
  }
});
