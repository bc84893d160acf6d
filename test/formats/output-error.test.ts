// Translates file system errors.
import t from "tap";
import { outputError } from "../../formats/output-error.ts";
import { FlowtapeError } from "../../src/errors.ts";

t.test("the reason, with the given path", async (t) => {
	const refused = (code: string) => outputError("f", Object.assign(new Error("why"), { code }));
	t.match(refused("ENOENT"), { code: "FT_IO", message: "f: cannot be written: its folder does not exist" });
	t.match(refused("EACCES"), { code: "FT_IO", message: /no permission/ });
	t.match(refused("EROFS"), { code: "FT_IO", message: /read-only/ });
	t.match(refused("ENOSPC"), { code: "FT_IO", message: /the disk is full/ });
	t.match(refused("EISDIR"), { code: "FT_IO", message: /a folder/ });
	t.match(refused("EODD"), { code: "FT_IO", message: /why/ });
	t.match(refused("EPIPE"), { code: "EPIPE" });
	t.equal(outputError("f", "text"), "text");
	const ours = new FlowtapeError("FT_STORE", "x");
	t.equal(outputError("f", ours), ours);
	t.match(refused("MODULE_NOT_FOUND"), { code: "FT_INSTALL", message: /^this installation is not complete: why; / });
});
