// Maps a test to the source for which its coverage counts: the file with the same path, and no other.
import { existsSync } from "node:fs";

/** build/test/src/flow/url.test.js → src/flow/url.ts */
export default (test) => {
	const source = test.replace(/^build\/test\//, "build/").replace(/\.test\.js$/, ".js");
	return existsSync(source) ? source : null;
};
