// Numbers as text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { percent, significant, weight } from "../../gptviz/widgets/shared/numbers.js";

test("numbers have three significant digits and a true minus", () => {
  assert.equal(significant(-12.345), "−12.3");
  assert.equal(significant(12345.6), "12346");
  assert.equal(significant(1.23456e-9), "1.23e−9");
  assert.equal(significant(1e-7), "1.00e−7");
  assert.equal(significant(999.4), "999");
  assert.equal(significant(-999.6), "−1000");
  assert.equal(significant(1000.4), "1000");
  assert.equal(significant(-Infinity), "−∞");
});

test("a share is never rounded to 0 % or 100 %", () => {
  assert.equal(percent(0), "0 %");
  assert.equal(percent(1), "100 %");
  assert.equal(percent(0.123456), "12.3 %");
  assert.equal(percent(1e-9), "<0.001 %");
  assert.equal(percent(0.9996), "99.96 %");
  for (const p of [0.99995, 0.99999, 1 - 1e-12]) assert.equal(percent(p), ">99.99 %");
  assert.equal(weight(0.0001), "<0.001");
  assert.equal(weight(0.61239), "0.612");
});
