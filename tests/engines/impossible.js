// Tests that cannot work in Firefox as Playwright drives it, over WebDriver BiDi. Errors of Firefox itself
// do not belong here.

/** @type {{reason: string, tests: [file: string, name: string][]}[]} */
export const IMPOSSIBLE = [
  {
    reason: "Firefox does not know BiDi's command to prefer dark colours",
    tests: [
      ["access.test.js", "axe finds nothing serious in any room, en, dark"],
      ["access.test.js", "axe finds nothing serious in any room, ko, dark"],
      ["bench.test.js", "axe finds nothing serious, and it fits a phone, en, dark"],
      ["bench.test.js", "axe finds nothing serious, and it fits a phone, ko, dark"],
      ["pictures.test.js", "classes and results are accessible, ko, dark, 360 wide"],
    ],
  },
  {
    reason: "when BiDi turns scripts off, Firefox still hides the content of <noscript>",
    tests: [
      ["access.test.js", "without JavaScript the page says what it needs"],
      ["policy.test.js", "without JavaScript the page says what it needs"],
    ],
  },
  {
    reason: "touches use a command of Chromium's own protocol",
    tests: [["crop.test.js", "fingers drag and pinch the frame, and scroll the page beside it"]],
  },
  {
    reason: "dropping files uses a command of Chromium's own protocol",
    tests: [
      ["dropped.test.js", "pictures dropped on a class go there; dropped elsewhere they go to their folder's class"],
      ["dropped.test.js", "classes come in natural order, without junk, opened or dropped"],
      ["dropped.test.js", "a folder dropped in Classify is opened"],
    ],
  },
];
