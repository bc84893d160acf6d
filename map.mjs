// Which sources a test answers for: those of its own path. A file is covered by its own test alone.
import { existsSync } from "node:fs";

/** build/test/src/flow/url.test.js → src/flow/url.ts */
export default (test) => {
	const source = test.replace(/^build\/test\//, "build/").replace(/\.test\.js$/, ".js");
	return existsSync(source) ? source : null;
};
