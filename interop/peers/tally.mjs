// Counts checks. A check that fails is reported, and the others continue.

/** The numbers of checks so far. */
export const tally = { passed: 0, failed: 0 };

/** Runs a check, which fails if it throws an error. */
export async function check(name, test) {
	try {
		await test();
		tally.passed++;
	} catch (error) {
		tally.failed++;
		// the output of a child process is not in the message of its error
		console.log(`not ok: ${name}\n${error.stack}\n${error.stdout ?? ""}`.trimEnd());
	}
}

/** Counts a condition. `detail` is printed if it does not hold. */
export function expect(name, holds, detail = "") {
	if (holds) tally.passed++;
	else {
		tally.failed++;
		console.log(`not ok: ${name}${detail === "" ? "" : `: ${detail}`}`);
	}
}

/** Prints the last line, `N passed, N failed`, and sets the exit status. */
export function reportTally() {
	console.log(`${tally.passed} passed, ${tally.failed} failed`);
	process.exitCode = tally.failed > 0 ? 1 : 0;
}
