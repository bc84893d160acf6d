// The client of the demo: fetches some pages and prints the responses. It has no code for proxies.
for (const site of process.argv.slice(2)) {
	for (const [path, init] of [
		["/", {}],
		["/login", { method: "POST", body: "user=ada" }],
		["/api/items?page=1", {}],
		["/api/items?page=2", {}],
		["/missing", {}],
	] as const) {
		const response = await fetch(site + path, init);
		console.log(`    ${response.status} ${site}${path}  ${(await response.text()).slice(0, 60)}`);
	}
}
