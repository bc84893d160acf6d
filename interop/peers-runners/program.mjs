// Sends a request with each client while a tool records or replays. Prints a line of JSON for each: the client, its
// path, and the answer, or null. Arguments: the tool, the mode, and the folder of its files.
import clients from "./clients.mjs";
import { tools } from "./tools.mjs";

const [, , tool, mode, folder] = process.argv;
// a client that got no answer may fail a second time, later
process.on("uncaughtException", () => {}).on("unhandledRejection", () => {});
const stop = await tools[tool](mode, folder);
for (const [index, [client, send]] of Object.entries(clients).entries()) {
	let timer;
	const late = new Promise((resolve) => (timer = setTimeout(resolve, 10_000, null)));
	const answer = await Promise.race([send(`/${index}`).catch(() => null), late]);
	clearTimeout(timer);
	console.log(JSON.stringify({ client, path: `/${index}`, answer }));
}
await stop();
console.log("end");
process.exit();
