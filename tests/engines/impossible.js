// The tests of the page that cannot work in Firefox as Playwright drives it, over WebDriver BiDi. What Firefox itself does wrong
// has no place here.

/** @type {{reason: string, tests: [file: string, name: string][]}[]} */
export const IMPOSSIBLE = [
  {
    reason: "Firefox does not know BiDi's command to prefer dark colours",
    tests: [
      ["access.test.js", "axe finds nothing serious in any room, en, dark"],
      ["access.test.js", "axe finds nothing serious in any room, ko, dark"],
      ["bench.test.js", "axe finds nothing serious, and it fits a phone, en, dark"],
      ["bench.test.js", "axe finds nothing serious, and it fits a phone, ko, dark"],
      ["pictures.test.js", "classes and results are for everybody, ko, dark, 360 wide"],
    ],
  },
  {
    reason: "where BiDi turns scripts off, Firefox goes on hiding what <noscript> holds",
    tests: [
      ["access.test.js", "without JavaScript the page says what it needs"],
      ["policy.test.js", "without JavaScript the page says what it needs"],
    ],
  },
  {
    reason: "files are dropped by a command of Chromium's own protocol",
    tests: [
      ["dropped.test.js", "what is dropped on a class goes there, beside the classes to its folder's"],
      ["dropped.test.js", "classes come in natural order, without junk, opened or dropped"],
      ["dropped.test.js", "a folder dropped in Classify is opened"],
    ],
  },
];
