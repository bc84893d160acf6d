// Scores the similarity of requests with the same key, by which Playwright and Web Page Replay choose recordings.

import { toText } from "../../flow/bytes.ts";
import type { Request } from "../../flow/message.ts";
import { parseQuery } from "../../flow/url.ts";
import { pathEnd, rawQuery } from "./parts.ts";
import type { Choice } from "./rules.ts";

/** A higher score is more similar. The query has precedence over all headers. */
export function similarity(choice: Choice, sent: Request, recorded: Request): number {
	switch (choice) {
		case "first":
			return 0;
		case "headers":
			return shared(headerLines(sent), headerLines(recorded));
		case "query":
			return shared(queryLines(sent), queryLines(recorded)) + shared(headerLines(sent), headerLines(recorded)) / 1000;
	}
}

function headerLines({ headers }: Request): string[] {
	const lines: string[] = [];
	for (let i = 0; i < headers.fields.length; i += 2)
		lines.push(`${headers.fields[i]?.toLowerCase()}:${headers.fields[i + 1]}`);
	return lines;
}

function queryLines({ path }: Request): string[] {
	return parseQuery(toText(rawQuery(path, pathEnd(path)))).map(([name, value]) => `${name}=${value}`);
}

/** The Dice coefficient of two multisets, from 0 to 1; 1 if both are empty. */
function shared(a: readonly string[], b: readonly string[]): number {
	if (a.length + b.length === 0) return 1;
	const left = new Map<string, number>();
	for (const line of a) left.set(line, (left.get(line) ?? 0) + 1);
	let common = 0;
	for (const line of b) {
		const count = left.get(line) ?? 0;
		if (count === 0) continue;
		common++;
		left.set(line, count - 1);
	}
	return (2 * common) / (a.length + b.length);
}
