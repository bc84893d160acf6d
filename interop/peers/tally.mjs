// Counts checks. A check that throws is reported, and the others continue.

let passed = 0;
let failed = 0;

export async function check(name, test) {
	try {
		await test();
		passed++;
	} catch (error) {
		failed++;
		console.log(`not ok: ${name}\n${error.stack}`);
	}
}

/** Prints the last line, `N passed, N failed`, and sets the exit status. */
export function reportTally() {
	console.log(`${passed} passed, ${failed} failed`);
	process.exitCode = failed > 0 ? 1 : 0;
}
