/**
 * Hub sets that can be chosen without knowing an id: small ones that their owners store as Parquet files with class
 * names. The Hub provides all of these facts; they are repeated here so that they can be shown before anything is
 * fetched.
 *
 * @typedef {object} Listed
 * @property {string} key of its name in i18n
 * @property {string} id
 * @property {string} config
 * @property {string} image column
 * @property {string} label column
 * @property {number} classes
 * @property {Record<string, number>} splits number of pictures in each
 * @property {number} megabytes of all splits
 */

/** @type {Listed[]} */
export const SETS = [
  {
    key: "cifar-10",
    id: "uoft-cs/cifar10",
    config: "plain_text",
    image: "img",
    label: "label",
    classes: 10,
    splits: { train: 50_000, test: 10_000 },
    megabytes: 144,
  },
  {
    key: "fashion",
    id: "zalando-datasets/fashion_mnist",
    config: "fashion_mnist",
    image: "image",
    label: "label",
    classes: 10,
    splits: { train: 60_000, test: 10_000 },
    megabytes: 31,
  },
  {
    key: "beans",
    id: "AI-Lab-Makerere/beans",
    config: "default",
    image: "image",
    label: "labels",
    classes: 3,
    splits: { train: 1034, validation: 133, test: 128 },
    megabytes: 180,
  },
  {
    key: "pets",
    id: "Bingsu/Cat_and_Dog",
    config: "default",
    image: "image",
    label: "labels",
    classes: 2,
    splits: { train: 8000, test: 2000 },
    megabytes: 228,
  },
  {
    key: "flowers",
    id: "xiaopch/flower_photos",
    config: "default",
    image: "image",
    label: "label",
    classes: 5,
    splits: { train: 3670 },
    megabytes: 231,
  },
];
