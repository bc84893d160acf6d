// Checks that are counted: each that throws is told of, and the rest go on.

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

/** Prints the last line, `N passed, N failed`; the exit status follows. */
export function tell() {
	console.log(`${passed} passed, ${failed} failed`);
	process.exitCode = failed > 0 ? 1 : 0;
}
