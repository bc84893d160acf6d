// The page: signs in with the token of the link, then shows the list and the open flow.
import { render } from "preact";
import { signIn } from "./client.ts";
import { Details } from "./details.tsx";
import { FilterBar } from "./filter.tsx";
import { countText, plain } from "./format.ts";
import { Dialogs, onKey, openDialog } from "./keys.tsx";
import { FlowList } from "./list.tsx";
import { FacetLists, Timeline } from "./overview.tsx";
import { details, isConnected, notice, selection, start, tape } from "./state.ts";

function App() {
	const info = tape.value;
	if (info === null) return <main class="note">Loading…</main>;
	return (
		<div class={details.value === null ? "app" : "app with-details"}>
			<header class="banner">
				<h1>{plain(info.names.join(", "))}</h1>
				<span>
					{countText(info.total)} flows{info.isFollowed && isConnected.value ? " · live" : ""}
				</span>
				<button type="button" onClick={() => openDialog("keys-dialog")}>
					Keys
				</button>
			</header>
			{!isConnected.value && (
				<p class="error banner" role="alert">
					The viewer does not answer. If it has ended, start it again and open the new link.
				</p>
			)}
			{info.losses.length > 0 && (
				<details class="losses">
					<summary>
						{info.losses.length === 1 ? "1 part" : `${info.losses.length} parts`} of the tape could not be read
					</summary>
					<ul>
						{info.losses.map((loss) => (
							<li key={loss}>{plain(loss)}</li>
						))}
					</ul>
				</details>
			)}
			<FilterBar />
			<Timeline />
			<main>
				<FacetLists />
				<FlowList />
			</main>
			<Details />
			<footer>
				{selection.value.size > 0 && <span>{selection.value.size} selected</span>}
				<output aria-live="polite">{plain(notice.value)}</output>
			</footer>
			<Dialogs formats={info.formats} />
		</div>
	);
}

function SignedOut() {
	return (
		<main class="note">
			<h1>flowtape</h1>
			<p>Open the link that flowtape printed: it holds the token of this viewer.</p>
		</main>
	);
}

if (await signIn()) {
	document.addEventListener("keydown", onKey);
	render(<App />, document.body);
	try {
		await start();
	} catch {
		render(<SignedOut />, document.body);
	}
} else render(<SignedOut />, document.body);
