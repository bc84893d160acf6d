// The options of `run` are those of the command.
import t from "tap";
import { runOptions } from "../../api/run-options.ts";
import { command } from "../../commands/run.ts";

t.test("the command has the same options", async (t) => {
	for (const name of ["record_mode", "record_failures", "max_miss"] as const)
		t.equal(runOptions[name], command.options[name], name);
	t.match(command.options.fail_on.help, runOptions.fail_on.help);
});
