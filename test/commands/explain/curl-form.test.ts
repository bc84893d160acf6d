// Forms for -F options, compared with those that curl sends.
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { curlForm } from "../../../commands/explain/curl-form.ts";

const folder = t.testdir({ "a.txt": "one\ntwo", blob: "blob", "p.PNG": "image" });

t.test(
	"the same bytes as curl sends",
	{ skip: spawnSync("curl", ["--version"]).status !== 0 && "curl is not installed" },
	async (t) => {
		let seen = "";
		const server = createServer((request, response) => {
			const chunks: Buffer[] = [];
			request.on("data", (chunk: Buffer) => chunks.push(chunk));
			request.on("end", () => {
				const [, boundary = ""] = /boundary=(.*)/.exec(request.headers["content-type"] ?? "") ?? [];
				seen = Buffer.concat(chunks).toString().replaceAll(boundary, "B");
				response.end();
			});
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		t.teardown(() => server.close());
		const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
		const file = (name: string) => join(folder, name);
		const forms = [
			["a=1", "b=x y"],
			[`f=@${file("a.txt")}`],
			[`f=@${file("blob")}`, `g=<${file("a.txt")}`],
			[`f=@${file("p.PNG")};filename=other;type=a/b`],
			["j={};type=application/json"],
		];
		for (const form of forms) {
			await promisify(execFile)("curl", ["-s", "--max-time", "10", ...form.flatMap((field) => ["-F", field]), origin]);
			const fields = form.map((text) => ({ text, isPlain: false }));
			t.equal(curlForm(fields, "B", readFileSync).toString(), seen, form.join(" "));
		}
		await promisify(execFile)("curl", ["-s", "--max-time", "10", "--form-string", "a=@none;type=x", origin]);
		t.equal(curlForm([{ text: "a=@none;type=x", isPlain: true }], "B", readFileSync).toString(), seen);
	},
);
