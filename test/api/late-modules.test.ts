// Modules that are loaded late are the same ones that an import loads.
import t from "tap";
import { exporters, filterCompiler } from "../../api/late-modules.ts";
import { FlowtapeError } from "../../index.ts";

t.test("each is loaded once, with the classes of the library", async (t) => {
	t.equal(filterCompiler(), filterCompiler());
	t.equal(filterCompiler().compileFilter, (await import("../../src/filter/compile.ts")).compileFilter);
	t.equal(exporters().exportText, (await import("../../api/exporters.ts")).exportText);
	t.throws(() => filterCompiler().compileFilter("~"), FlowtapeError);
});
