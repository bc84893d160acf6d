// The completion scripts of the shells. Each runs `flowtape __complete N WORD…` to get the candidates for the N-th
// word.
import { tapeExtensions } from "../../api/formats.ts";

/** The extensions of tapes as alternatives, for the patterns of the shells. */
const EXTENSIONS = tapeExtensions.join("|");

const bash = `_flowtape() {
	local words=() count=0 cut="" joins="" word value paths="" line quote="" described=()
	# bash splits words at = and :, which belong to ours
	local i
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=\${COMP_WORDS[i]}
		if [[ $count -gt 0 && $word =~ ^[=:]+$ ]]; then
			words[count - 1]+=$word cut=\${words[count - 1]} joins=1
		elif [[ -n $joins ]]; then
			words[count - 1]+=$word joins=""
		else
			words[count]=$word cut=""
			((count += 1))
		fi
	done
	for ((i = 0; i < count; i++)); do
		word=\${words[i]}
		case $word in
		[\\'\\"]*) quote=\${word:0:1} word=\${word:1} word=\${word%"$quote"} ;;
		*) quote="" word=\${word//\\\\/} ;;
		esac
		words[i]=$word
	done
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ -z $paths ]]; then
			paths=$line
			continue
		fi
		value=\${line%%$'\\t'*}
		# an expression is to stand in quotes
		[[ $value == *"~"* && -z $quote && -z $cut ]] && value="'$value"
		value=\${value#"$cut"}
		COMPREPLY+=("$value")
		[[ $value == *[=\\ ] ]] && compopt -o nospace 2>/dev/null
		[[ $value == -* || $line != *$'\\t'?* ]] || value+="  \${line#*$'\\t'}"
		described+=("$value")
	done < <(flowtape __complete "$count" "\${words[@]}" 2>/dev/null)
	# bash only lists the candidates, and inserts none
	((COMP_TYPE == 63 && \${#COMPREPLY[@]} > 1)) && COMPREPLY=("\${described[@]}")
	word=\${words[count - 1]#"$cut"}
	case $paths in
	tapes)
		compopt -o filenames 2>/dev/null
		while IFS= read -r line; do
			[[ -d $line || $line =~ \\.(${EXTENSIONS})$ ]] && COMPREPLY+=("$line")
		done < <(compgen -f -- "$word")
		;;
	folders)
		compopt -o filenames 2>/dev/null
		while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$word")
		;;
	none) compopt +o default +o bashdefault 2>/dev/null ;;
	esac
	return 0
}
complete -o bashdefault -o default -F _flowtape flowtape
`;

const zsh = `#compdef flowtape
_flowtape() {
	local -a lines values shown suffix
	local line value last
	local at=\${words[(i)--]}
	if (( at < CURRENT )); then
		words=("\${(@)words[at + 1,-1]}")
		(( CURRENT -= at ))
		_normal
		return
	fi
	lines=("\${(@f)$(flowtape __complete $(( CURRENT - 1 )) "\${(@Q)words[2,CURRENT - 1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
	for line in "\${(@)lines[2,-1]}"; do
		value=\${line%%$'\\t'*}
		values+=("$value")
		if [[ "$line" == *$'\\t'?* ]]; then shown+=("$value  -- \${line#*$'\\t'}"); else shown+=("$value"); fi
		last=$value
	done
	if [[ "$last" == *[=\\ ] ]]; then suffix=(-S ''); fi
	if (( $#values )); then compadd -l -d shown "\${suffix[@]}" -a values; fi
	case $lines[1] in
	tapes) _files -g '*.(${EXTENSIONS})(-.)' ;;
	files) _files ;;
	folders) _files -/ ;;
	esac
}
compdef _flowtape flowtape
`;

const fish = `function __flowtape_complete
	set -l words (commandline -opc)
	set -l typed (commandline -ct | string replace -r '^[\\'"]' '')
	set -l lines (flowtape __complete (count $words) $words[2..-1] "$typed" 2>/dev/null)
	test (count $lines) -gt 1; and printf '%s\\n' $lines[2..-1]
	switch "$lines[1]"
		case tapes
			__fish_complete_path "$typed" | string match -er '^[^\\t]*(?:/|\\.(?:${EXTENSIONS}))(?:\\t|$)'
		case files
			__fish_complete_path "$typed"
		case folders
			__fish_complete_directories "$typed"
	end
end
complete -c flowtape -f -k -a '(__flowtape_complete)'
`;

const powershell = `Register-ArgumentCompleter -Native -CommandName flowtape -ScriptBlock {
	param($typed, $ast, $cursor)
	$words = @($ast.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object {
		if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
	})
	$count = $words.Count
	if ($typed -eq '') { $count += 1 }
	flowtape __complete $count @words 2>$null | Select-Object -Skip 1 | ForEach-Object {
		$value, $description = $_ -split "\`t", 2
		if (-not $description) { $description = $value }
		$text = if ($value -match '[\\s~&|()]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
		[System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
	}
}
`;

/** The scripts by the names of their shells. */
export const scripts: Readonly<Record<string, string>> = { bash, zsh, fish, powershell };
