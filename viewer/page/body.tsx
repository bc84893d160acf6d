// A body: lines in a window, a text to find in it, and images, which are shown as blobs only.
import { useEffect, useRef, useState } from "preact/hooks";
import { Chunks } from "./chunks.ts";
import { ask, request, save } from "./client.ts";
import { countText, plainLine, sizeText } from "./format.ts";
import { BODY_VIEWS, type BodyWindow, type FoundText, type MessageDetails } from "./protocol.ts";
import { useSight } from "./sight.ts";
import { attempt, go, place } from "./state.ts";
import { heightOf, scrollTo, windowOf } from "./window.ts";

/** The height of a line in pixels, as in page.css. */
const LINE_HEIGHT = 18;

type Side = "request" | "response";

export function Body({ seq, side, message }: { seq: number; side: Side; message: MessageDetails }) {
	if (message.size === 0) return <p class="note">No body.</p>;
	const path = `flows/${seq}/${side}/body`;
	const download = (query: string) => attempt(() => save(`${path}/raw${query}`));
	return (
		<section class="body" aria-label={`Body of the ${side}`}>
			<div class="tools">
				<span>
					{message.type} {message.size === null ? "not kept" : sizeText(message.size)}
				</span>
				<label>
					View{" "}
					<select value={place.value.view} onChange={(event) => go({ view: event.currentTarget.value }, true)}>
						{BODY_VIEWS.map((view) => (
							<option key={view} value={view}>
								{view}
							</option>
						))}
					</select>
				</label>
				{message.size !== null && (
					<>
						<button type="button" onClick={() => download("?decoded=1")}>
							Download
						</button>
						<button type="button" onClick={() => download("")}>
							Download as sent
						</button>
					</>
				)}
			</div>
			{message.isImage && place.value.view === "auto" ? (
				<Picture key={path} path={path} type={message.type} />
			) : (
				<Lines key={`${path} ${place.value.view}`} path={path} view={place.value.view} />
			)}
		</section>
	);
}

function Picture({ path, type }: { path: string; type: string }) {
	const [url, setUrl] = useState("");
	useEffect(() => {
		let made = "";
		void attempt(async () => {
			const bytes = await (await request(`${path}/raw?decoded=1`)).arrayBuffer();
			made = URL.createObjectURL(new Blob([bytes], { type }));
			setUrl(made);
		});
		return () => URL.revokeObjectURL(made);
	}, [path, type]);
	return url === "" ? <p class="note">Loading…</p> : <img class="picture" src={url} alt="The body" />;
}

function Lines({ path, view }: { path: string; view: string }) {
	const scroller = useRef<HTMLElement>(null);
	const [state, setState] = useState({ total: 0, note: null as string | null, version: 0, isLoaded: false });
	const [sight, readSight] = useSight(scroller);
	const [find, setFind] = useState("");
	const [found, setFound] = useState<FoundText>({ places: [], isCut: false });
	const [at, setAt] = useState(0);
	const [chunks] = useState(
		() =>
			new Chunks<string>(
				async (from, count) => {
					const window = await ask<BodyWindow>(`${path}?view=${view}&from=${from}&lines=${count}`);
					setState((old) => ({ ...old, total: window.total, note: window.note, isLoaded: true }));
					return window.lines;
				},
				() => setState((old) => ({ ...old, version: old.version + 1 })),
			),
	);
	const shown = windowOf(sight.top, sight.height, state.total, LINE_HEIGHT);
	useEffect(() => chunks.want(shown.from, Math.max(shown.count, 1)), [shown.from, shown.count, state.version]);
	useEffect(() => {
		const timer = setTimeout(() => {
			if (find === "") setFound({ places: [], isCut: false });
			else
				void attempt(async () => {
					setFound(await ask<FoundText>(`${path}?view=${view}&find=${encodeURIComponent(find)}`));
					setAt(0);
				});
		}, 150);
		return () => clearTimeout(timer);
	}, [find]);
	const current = found.places[at];
	useEffect(() => {
		const element = scroller.current;
		if (element === null || current === undefined) return;
		const top = scrollTo(current[0], element.scrollTop, element.clientHeight, state.total, LINE_HEIGHT);
		if (top !== null) element.scrollTop = top;
	}, [current]);
	const move = (by: number) => {
		const { length } = found.places;
		if (length > 0) setAt((at + by + length) % length);
	};
	if (state.isLoaded && state.total === 0) return <p class="note">{state.note ?? "No text."}</p>;
	return (
		<>
			<div class="tools find">
				<label>
					Find{" "}
					<input
						type="search"
						value={find}
						onInput={(event) => setFind(event.currentTarget.value)}
						onKeyDown={(event) => {
							if (event.key === "Enter") move(event.shiftKey ? -1 : 1);
						}}
					/>
				</label>
				{find !== "" && (
					<>
						<output>
							{found.places.length === 0
								? "not found"
								: `${at + 1} of ${countText(found.places.length)}${found.isCut ? " and more" : ""}`}
						</output>
						<button type="button" data-key="N" onClick={() => move(-1)}>
							Previous
						</button>
						<button type="button" data-key="n" onClick={() => move(1)}>
							Next
						</button>
					</>
				)}
			</div>
			<section
				class="lines"
				aria-label="Text of the body"
				// a scrolled element has to be reachable by keys
				tabIndex={0}
				ref={scroller}
				onScroll={readSight}
			>
				<div style={{ height: `${heightOf(state.total, LINE_HEIGHT)}px` }}>
					<pre style={{ transform: `translateY(${shown.top}px)` }}>
						{Array.from({ length: shown.count }, (_, i) => shown.from + i).map((n) => (
							<Line key={n} text={chunks.at(n) ?? ""} find={find} column={current?.[0] === n ? current[1] : null} />
						))}
					</pre>
				</div>
			</section>
			{state.note !== null && <p class="note">{state.note}</p>}
		</>
	);
}

/** One line, in which the found text is marked. */
function Line({ text, find, column }: { text: string; find: string; column: number | null }) {
	if (find === "" || !text.toLowerCase().includes(find.toLowerCase())) return <div class="line">{plainLine(text)}</div>;
	const parts = [];
	const [lower, wanted] = [text.toLowerCase(), find.toLowerCase()];
	let from = 0;
	for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
		parts.push(plainLine(text.slice(from, at)));
		from = at + wanted.length;
		parts.push(
			<mark key={at} class={at === column ? "current" : ""}>
				{plainLine(text.slice(at, from))}
			</mark>,
		);
	}
	parts.push(plainLine(text.slice(from)));
	return <div class="line">{parts}</div>;
}
