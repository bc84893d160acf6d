// Every error ends in a message and an exit status.
import t from "tap";
import { reportError } from "../../../commands/cli/report-error.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { FlowtapeError } from "../../../src/errors.ts";

function reported(error: unknown, debug = false) {
	const { io, captured } = captureIo();
	const status = reportError(error, debug, io);
	return { status, err: captured.err };
}

t.test("an error about an option names its flag, once", async (t) => {
	const parts = new FlowtapeError("FT_BAD_OPTION", '"/a": expected parts', { option: "modify_headers" });
	t.same(reported(parts), { status: 2, err: 'flowtape: --modify-headers: "/a": expected parts\n' });
	const named = new FlowtapeError("FT_BAD_OPTION", "client_certs: no such file", { option: "client_certs" });
	t.same(reported(named), { status: 2, err: "flowtape: --client-certs: no such file\n" });
});

t.test("other errors are defects of flowtape, without a stack unless requested", async (t) => {
	const err =
		"flowtape: x is not a function\nThis is a defect of flowtape; run again with --debug and report what it prints.\n";
	t.same(reported(new TypeError("x is not a function")), { status: 4, err });
	t.match(reported(new TypeError("x is not a function"), true).err, /\nTypeError: x is not a function\n +at /);
	t.same(reported("a text", true), { status: 4, err: "flowtape: a text\na text\n" });
});

t.test("a missing package is reported in one line, and not as a defect", async (t) => {
	const error = Object.assign(new Error("Cannot find module 'commander'\nRequire stack:\n- /x.js"), {
		code: "MODULE_NOT_FOUND",
	});
	const line =
		"this installation is not complete: Cannot find module 'commander'; reinstall flowtape, with its dependencies";
	t.same(reported(error), { status: 4, err: `flowtape: ${line}\n` });
	t.match(reported(error, true).err, /\nFlowtapeError: this installation[\s\S]*\ncaused by Error: Cannot find module/);
});

t.test("too many open files are not a defect", async (t) => {
	const error = Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
	t.match(reported(error), { status: 4, err: /^flowtape: too many open files: raise the limit of open files.*\n$/ });
});
