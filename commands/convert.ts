// `flowtape convert`: converts a tape to another format.
import { formatToWrite } from "../api/formats.ts";
import { defineCommand } from "./cli/command.ts";
import {
	copyFlows,
	createOutput,
	inputOptions,
	outputOptions,
	selection,
	selectionOptions,
	type Troubles,
} from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "convert",
	summary: "write a tape in another format",
	args: "TAPE TAPE",
	arity: { min: 2, max: 2 },
	options: { ...selectionOptions, ...outputOptions, ...inputOptions },
	examples: [
		["flowtape convert session.tape session.mitm", "a dump that mitmproxy opens"],
		["flowtape convert saved-by-browser.har session.tape", "a tape of a HAR that a browser saved"],
		["flowtape convert session.mitm - --format jsonl | jq .id", "the ids of a dump"],
	],
	async run({ args: [from = "-", to = "-"], values }, io) {
		const filter = await selection(values);
		const open = (troubles: Troubles, size: number) => createOutput(to, values, troubles, size);
		const { strict, quiet } = values;
		const job = {
			inputs: [from],
			output: to,
			filter,
			strict,
			quiet,
			open,
			progress: true,
			// files in the other formats are those that people share
			warnsOfCredentials: to !== "-" && formatToWrite(to, values.format) !== "tape",
		};
		return (await copyFlows(job, io)).status;
	},
});
