// `flowtape help`: commands, topics, and unknown words.
import t from "tap";
import { help } from "../../../commands/cli/help-command.ts";
import { commands } from "../../../commands/list.ts";
import { captureIo } from "../../../fixtures/run-captured.ts";

async function printed(word?: string): Promise<string> {
	const { io, captured } = captureIo();
	await help(word, commands, io);
	return captured.out;
}

t.test("the list, a command, a topic", async (t) => {
	t.match(await printed(), /^Record HTTP sessions /);
	t.match(await printed("stats"), /^Usage: flowtape stats [\s\S]*\nCommon options:\n/);
	t.match(await printed("exit-status"), /^ {2}0 +done\n/);
});

t.test("an unknown word is an error that suggests the nearest", async (t) => {
	await t.rejects(printed("fliters"), {
		code: "FT_USAGE",
		message:
			'help: "fliters" is neither a command nor a topic. Did you mean "filters"? Topics: filters, rules, exit-status, environment, json',
	});
	await t.rejects(printed("recrod"), { message: /Did you mean "record"\?/ });
	await t.rejects(printed("toString"), { message: /"toString" is neither a command/ });
});
