// Entropy in bits for each character.
import t from "tap";
import { entropy } from "../../../src/redact/entropy.ts";

t.test("bits for each character", (t) => {
	t.equal(entropy(""), 0);
	t.equal(entropy("aaaa"), 0);
	t.equal(entropy("abab"), 1);
	t.equal(entropy("abcdefgh"), 3);
	t.equal(entropy("0123456789abcdef".repeat(10_000)) > 3.9, true);
	t.end();
});
