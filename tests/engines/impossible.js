// Tests that cannot work in Firefox as Playwright drives it, over WebDriver BiDi. Errors of Firefox itself
// do not belong here.

/** @type {{reason: string, tests: [file: string, name: string][]}[]} */
export const IMPOSSIBLE = [
  {
    reason: "touches use a command of Chromium's own protocol",
    tests: [["crop.test.js", "fingers drag and pinch the frame, and scroll the page beside it"]],
  },
  {
    reason: "dropping files uses a command of Chromium's own protocol",
    tests: [
      ["dropped.test.js", "pictures dropped on a class go there; dropped elsewhere they go to their folder's class"],
      ["dropped.test.js", "a zip of class folders is opened or dropped anywhere on the page, like the folder"],
      ["dropped.test.js", "classes come in natural order, without junk, opened or dropped"],
      ["dropped.test.js", "a folder dropped in Classify is opened"],
    ],
  },
  {
    reason: "Firefox starts a drag by BiDi's mouse, but does not end it with a drop",
    tests: [["dropped.test.js", "pictures are dragged from one class to another"]],
  },
  {
    reason: "BiDi gives a file input no folders",
    tests: [
      ["dropped.test.js", "opened folders become classes of the same names"],
      ["dropped.test.js", "problems with files are reported with their folders"],
    ],
  },
  {
    reason: "Playwright does not lift the content policy in Firefox, and that forbids a host without https",
    tests: [
      ["weights.test.js", "a host that refuses is named, and nothing is kept"],
      ["weights.test.js", "a host that does not answer is named, and nothing is kept"],
      ["weights.test.js", "a host that sends a web page is named, and nothing is kept"],
      ["weights.test.js", "a host that sends and announces too little is named, and nothing is kept"],
      ["weights.test.js", "a host that sends something else is named, and nothing is kept"],
      [
        "weights.test.js",
        "an interrupted download is resumed, even after a reload, and then available without the host",
      ],
      ["weights.test.js", "a host that cannot resume sends all of it again"],
      ["weights.test.js", "a host that has another version by now sends all of it again"],
      ["weights.test.js", "a host that has a shorter file by now sends all of it again"],
      ["weights.test.js", "a fetch is cancelled where it is shown, and the part received is kept"],
      ["weights.test.js", "a training that starts from published weights fetches them first"],
      [
        "firstscreen.test.js",
        "one button says which weights are to be had: from where, how large, how long; a refusal is in the page's words",
      ],
    ],
  },
];
