// Scripts can import flowtape from any folder.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { loadScript } from "../../../src/scripts/load-script.ts";

t.test("scripts outside of a project and their imports can import flowtape", async (t) => {
	// outside of this package, inside which Node resolves the name anyway
	const folder = mkdtempSync(join(tmpdir(), "flowtape-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	writeFileSync(
		join(folder, "b.mjs"),
		'import { ResponseView } from "flowtape"; export const made = ResponseView.make(200, "b");',
	);
	writeFileSync(
		join(folder, "a.mjs"),
		'import { ResponseView } from "flowtape"; import { made } from "./b.mjs"; export const addons = [{ own: ResponseView.make(418), made }];',
	);
	const [, addon] = (await loadScript(join(folder, "a.mjs"))).addons as unknown as [
		unknown,
		{ own: { status_code: number }; made: { text: string } },
	];
	t.equal(addon.own.status_code, 418);
	t.equal(addon.made.text, "b");
});
