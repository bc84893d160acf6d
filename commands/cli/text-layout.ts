// Lays out the texts of help: paragraphs broken at spaces, and two columns.

/** Maximum width of the left column; longer entries have their description on the next line. */
export const LEFT = 30;

/** The lines of a text, broken at spaces. */
export function wrapped(text: string, width: number): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of text.split(" ")) {
		if (line !== "" && line.length + 1 + word.length > width) {
			lines.push(line);
			line = word;
		} else line = line === "" ? word : `${line} ${word}`;
	}
	return [...lines, line];
}

/** Two columns, the right one broken at spaces. */
export function tableText(rows: readonly (readonly [left: string, right: string])[], width: number): string {
	const column = Math.min(LEFT, Math.max(...rows.map(([left]) => left.length)));
	const indent = " ".repeat(column + 4);
	return rows
		.map(([left, right]) => {
			const lines = wrapped(right, width - indent.length);
			const first = left.length > column ? `  ${left}\n${indent}` : `  ${left.padEnd(column)}  `;
			return `${first}${lines.join(`\n${indent}`)}\n`;
		})
		.join("");
}

/**
 * The beginning of a text that fits: its first sentence, or a part of it that ends with a clause or at least a word.
 */
export function clause(text: string, width: number): string {
	const first = /^.*?[^.]\.(?= |$)/.exec(text)?.[0].slice(0, -1) ?? text;
	if (first.length <= width) return first;
	const ends = (pattern: RegExp) =>
		[...first.matchAll(pattern)].map(({ index }) => index).filter((index) => index >= width / 3 && index <= width);
	// a comma may belong to a list after a colon or in brackets
	const end = ends(/[;:](?= )| \(/g)[0] ?? ends(/,(?= )/g).at(-1);
	if (end !== undefined) return first.slice(0, end);
	return `${first.slice(0, first.lastIndexOf(" ", width - 2))} …`;
}
