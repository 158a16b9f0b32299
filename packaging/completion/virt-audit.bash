# bash completion for virt-audit                                             -*- shell-script -*-
#
# virt-audit itself prints the candidates at the cursor, see cmd/virt-audit/internal/completion. File names are
# completed here. bash-completion is not needed.

# Sets $plain to a word without its quotes; the last quote may still be open.
_virt_audit_plain() {
	local rest=$1 quote='' c
	plain=''
	while [[ -n $rest ]]; do
		c=${rest:0:1} rest=${rest:1}
		if [[ $c == "$quote" ]]; then
			quote=''
		elif [[ -z $quote && $c == [\'\"] ]]; then
			quote=$c
		elif [[ $c == \\ && ( -z $quote || $quote$rest == \"[\"\\\$\`]* ) ]]; then
			plain+=${rest:0:1} rest=${rest:1}
		else
			plain+=$c
		fi
	done
}

# Sets $found to the files whose names begin with a text; directories end with a slash. ENDING limits them to
# files with such an ending, and directories; the ending "/" means only directories.
_virt_audit_files() { # TEXT ENDING...
	local text=$1 tilde='' home='' name ending
	shift
	# shellcheck disable=SC2088 # the tilde as it was typed
	[[ $text == '~/'* && $raw == '~/'* ]] && tilde='~' home=$HOME text=${text#'~'}
	found=()
	while IFS= read -r -d '' name; do
		for ending in "${@:-}"; do
			[[ $name == */ || ( -z $ending || $ending != / && $name == *".$ending" ) ]] || continue
			found+=("$tilde${name#"$home"}")
			break
		done
	done < <(
		shopt -s nullglob
		shopt -u failglob dotglob
		set +f
		for name in "$home$text"*; do
			[[ -d $name ]] && name+=/
			printf '%s\0' "$name"
		done
	)
}

_virt_audit() {
	local line=${COMP_LINE:0:COMP_POINT} words=() i gap piece plain found=() raw part head program
	local kind text prefix='' files='' endings=()

	# Bash breaks words at ":" and "=" too. A part without a blank before it belongs to the previous word.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		gap=${line%%[![:space:]]*} line=${line#"${line%%[![:space:]]*}"}
		piece=$line
		((i < COMP_CWORD)) && piece=${COMP_WORDS[i]} line=${line#"${COMP_WORDS[i]}"}
		if [[ -n $gap || $i == 0 ]]; then words+=("$piece"); else words[-1]+=$piece; fi
	done
	raw=${words[-1]}
	COMPREPLY=()
	if [[ ${words[-2]-} == *[\<\>] ]]; then # a redirection
		compopt -o default
		return
	fi

	# Bash replaces the part after its own last break.
	part=${2#"${2%%[!:=]*}"}
	_virt_audit_plain "${raw%"$part"}"
	head=$plain
	for i in "${!words[@]}"; do
		_virt_audit_plain "${words[i]}"
		words[i]=$plain
	done

	# shellcheck disable=SC2088
	[[ ${words[0]} == '~/'* ]] && words[0]=$HOME${words[0]#'~'}
	program=$(type -P -- "${words[0]}") || program=virt-audit # an alias has another name
	while IFS=$'\t' read -r kind text _; do
		case $kind in
		prefix) prefix=$text ;;
		files) files=yes && read -r -a endings <<<"$text" ;;
		word) [[ $prefix$text == "$plain"* ]] && COMPREPLY+=("$prefix$text") ;;
		esac
	done < <(command "$program" completion words -- "${words[@]:1}" 2>/dev/null)

	if [[ -n $files ]]; then
		text=${plain#"$prefix"}
		_virt_audit_files "$text" "${endings[@]}"
		# Fall back to all files: a domain may be in a file of any name.
		[[ ${#found[@]}${#COMPREPLY[@]} == 00 && ${endings[0]-} != / ]] && _virt_audit_files "$text"
		# Where bash can see which names are directories, it adds the slash, and an open quote stays open.
		[[ $head == "$prefix" ]] && found=("${found[@]%/}")
		for text in "${found[@]}"; do COMPREPLY+=("$prefix$text"); done
		compopt -o filenames
		# What only bash can expand: variables, home directories of other users.
		[[ ${#COMPREPLY[@]} == 0 ]] && compopt -o default
		[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
	fi
	for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$head"}; done
}

complete -F _virt_audit virt-audit
