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
];
