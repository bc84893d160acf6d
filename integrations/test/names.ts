// The place of a test's tape: beside the test file, named for the file or for the test.
import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { TapeOptions, TestInfo } from "./options.ts";

/** Longest name of a test in a file name, in characters. */
const NAME_LENGTH = 80;

/** Between the names of a suite and of its test in a full name. */
export const SEPARATOR = " > ";

/** The absolute path of the tape for a test. */
export function tapePath({ file, name }: TestInfo, { tape = "per-file", dir = "__tapes__" }: TapeOptions): string {
	const path = pathOf(file);
	const folder = resolve(dirname(path), dir);
	const stem = basename(path).replace(/([._-](?:test|spec))?\.[cm]?[jt]sx?$/i, "");
	if (tape === "per-file") return join(folder, `${stem}.tape`);
	return tape === "per-test" ? join(folder, stem, `${slugOf(name)}.tape`) : resolve(folder, tape);
}

/** The path of a file that is given as a path or a `file:` URL. */
export function pathOf(file: string): string {
	return resolve(file.startsWith("file:") ? fileURLToPath(file) : file);
}

/** A file name for a test. Different names have different file names: if characters are lost, a hash is added. */
function slugOf(name: string): string {
	const slug = name
		.replaceAll(SEPARATOR, "--")
		.replace(/[^\p{L}\p{N}_-]+/gu, "-")
		.replace(/^-+|-+$/g, "");
	const isExact =
		/^[\p{L}\p{N}_]+(?: [\p{L}\p{N}_]+)*$/u.test(name.replaceAll(SEPARATOR, " ")) && slug.length <= NAME_LENGTH;
	if (isExact) return slug;
	const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
	return `${slug.slice(0, NAME_LENGTH)}-${hash}`;
}
