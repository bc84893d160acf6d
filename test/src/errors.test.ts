// Errors have a code, details such as a position, and an exit status.
import t from "tap";
import { errorCodes, FlowtapeError, hasErrno, installError, openFilesError, withOption } from "../../src/errors.ts";

t.test("an error has its details and an exit status", async (t) => {
	const cause = new Error("why");
	const error = new FlowtapeError("FT_CORRUPT_FLOW", "flows.mitm: byte 7: …", {
		file: "flows.mitm",
		offset: 7,
		record: 2,
		column: 1,
		cause,
	});
	t.match(error, {
		name: "FlowtapeError",
		code: "FT_CORRUPT_FLOW",
		file: "flows.mitm",
		offset: 7,
		record: 2,
		column: 1,
		cause,
		status: 3,
	});
	t.equal(new FlowtapeError("FT_USAGE", "x").cause, undefined);
});

t.test("every code has a meaning and an exit status, which is 0 only for warnings", async (t) => {
	for (const [code, { status, meaning }] of Object.entries(errorCodes)) {
		t.match(code, /^FT_[A-Z_]+$/);
		t.ok(
			[1, 2, 3, 4].includes(status) ||
				["FT_LOSS", "FT_NEWER_RULES", "FT_ODD_FIELD", "FT_UPGRADED", "FT_WAITING"].includes(code),
			code,
		);
		t.match(meaning, /^[a-z].*[^.]$/, code);
	}
});

t.test("errors of the system are recognized by their code", async (t) => {
	const error = Object.assign(new Error("x"), { code: "ENOENT" });
	t.ok(hasErrno(error, "EACCES", "ENOENT"));
	t.notOk(hasErrno(error, "EACCES"));
	t.notOk(hasErrno("ENOENT", "ENOENT"));
	t.notOk(hasErrno(new Error("x"), "ENOENT"));
});

t.test("missing parts of an installation", async (t) => {
	const coded = (code: string, message: string) => installError(Object.assign(new Error(message), { code }));
	t.match(coded("MODULE_NOT_FOUND", "Cannot find module 'x'\nRequire stack:\n- y"), {
		code: "FT_INSTALL",
		status: 4,
		message: "this installation is not complete: Cannot find module 'x'; reinstall flowtape, with its dependencies",
	});
	t.match(coded("ERR_MODULE_NOT_FOUND", "Cannot find package 'x' imported from y"), {
		message: /: Cannot find package 'x' imported from y; /,
	});
	const native = {
		code: "FT_INSTALL",
		message: /^better-sqlite3 was not built for this Node\.js; run: npm rebuild better-sqlite3, or .* install scripts /,
	};
	t.match(coded("ERR_DLOPEN_FAILED", "compiled against a different Node.js version"), native);
	t.match(installError(new Error("Could not locate the bindings file. Tried:\n → a")), native);
	const other = new Error("Cannot find module");
	t.equal(installError(other), other);
	t.equal(installError("text"), "text");
});

t.test("FlowtapeError.is, with and without codes", async (t) => {
	const error = new FlowtapeError("FT_IO", "x");
	t.ok(FlowtapeError.is(error));
	t.ok(FlowtapeError.is(error, "FT_IO"));
	t.ok(FlowtapeError.is(error, "FT_USAGE", "FT_IO"));
	t.notOk(FlowtapeError.is(error, "FT_USAGE"));
	t.notOk(FlowtapeError.is(new Error("x")));
});

t.test("withDetail adds details", async (t) => {
	const error = new FlowtapeError("FT_BAD_PATTERN", "a bracket is open", { column: 3 });
	t.match(error.withDetail({ option: "map_local" }), {
		code: "FT_BAD_PATTERN",
		message: "a bracket is open",
		column: 3,
		option: "map_local",
		cause: error,
	});
	t.match(error.withDetail({ column: 8 }, `"|[|x": ${error.message}`), {
		message: '"|[|x": a bracket is open',
		column: 8,
		option: undefined,
	});
	t.equal(error.withDetail({ column: undefined }).column, undefined, "and what is not true of it is taken away");
	t.equal(error.withDetail({ cause: undefined }).cause, undefined);
	t.equal(error.column, 3, "the error itself stays as it was");
});

t.test("an option is added to an error about its value, and to no other", async (t) => {
	const error = new FlowtapeError("FT_BAD_FILTER", "a bracket is open");
	t.match(withOption(error, "filter"), { message: "a bracket is open", option: "filter" });
	const named = error.withDetail({ option: "stickyauth" });
	const file = new FlowtapeError("FT_IO", "no such file");
	for (const other of [named, file, new Error("x"), "text"]) t.equal(withOption(other, "filter"), other);
});

t.test("advice is added to errors because of too many open files", async (t) => {
	const node = Object.assign(new Error("EMFILE: too many open files, open 'x'"), { code: "EMFILE" });
	t.match(openFilesError(node), { code: "FT_IO", message: /^too many open files: .*ulimit -n 1024/, cause: node });
	const ours = new FlowtapeError("FT_IO", "a.tape: it cannot be opened", {
		file: "a.tape",
		cause: new Error("x", { cause: node }),
	});
	t.match(openFilesError(ours), { code: "FT_IO", file: "a.tape", message: /^a\.tape: it cannot be opened; .*ulimit/ });
	for (const other of [new FlowtapeError("FT_IO", "x", { cause: new Error("y") }), new Error("EMFILE"), "EMFILE"])
		t.equal(openFilesError(other), other);
});
