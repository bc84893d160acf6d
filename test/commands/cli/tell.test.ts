// Whatever goes wrong ends in words and an exit status.
import t from "tap";
import { tell } from "../../../commands/cli/tell.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";
import { FlowtapeError } from "../../../src/errors.ts";

function told(error: unknown, debug = false) {
	const { io, captured } = captureIo();
	const status = tell(error, debug, io);
	return { status, err: captured.err };
}

t.test("an error about an option names its flag, once", async (t) => {
	const parts = new FlowtapeError("FT_BAD_OPTION", '"/a": parts were expected', { option: "modify_headers" });
	t.same(told(parts), { status: 2, err: 'flowtape: --modify-headers: "/a": parts were expected\n' });
	const named = new FlowtapeError("FT_BAD_OPTION", "client_certs: no such file", { option: "client_certs" });
	t.same(told(named), { status: 2, err: "flowtape: --client-certs: no such file\n" });
});

t.test("what is no error of ours is a defect of ours, without a stack unless asked for", async (t) => {
	const err = "flowtape: x is not a function\nThis is a defect of flowtape; run again with --debug and report what it prints.\n";
	t.same(told(new TypeError("x is not a function")), { status: 4, err });
	t.match(told(new TypeError("x is not a function"), true).err, /\nTypeError: x is not a function\n +at /);
	t.same(told("a text", true), { status: 4, err: "flowtape: a text\na text\n" });
});

t.test("a package that is missing is no defect, and told of in one line", async (t) => {
	const error = Object.assign(new Error("Cannot find module 'commander'\nRequire stack:\n- /x.js"), { code: "MODULE_NOT_FOUND" });
	const line = "this installation is not complete: Cannot find module 'commander'; install flowtape anew, with its dependencies";
	t.same(told(error), { status: 4, err: `flowtape: ${line}\n` });
	t.match(told(error, true).err, /\nFlowtapeError: this installation[\s\S]*\ncaused by Error: Cannot find module/);
});
