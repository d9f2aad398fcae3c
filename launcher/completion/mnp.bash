# bash completion of mnp: commands, options, runs of ./mnp-runs, $MNP_STORE or --store.

_mnp_store() {
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [ "${COMP_WORDS[i]}" = --store ]; then
      echo "${COMP_WORDS[i + 1]}"
      return
    fi
  done
  echo "${MNP_STORE:-mnp-runs}"
}

_mnp() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command=${COMP_WORDS[1]} options runs
  if [ "$COMP_CWORD" = 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "validate plan run status logs stop resume list rm s3 --help --version" -- "$current")
    return
  fi
  if [ "$command" = s3 ]; then
    command="s3 ${COMP_WORDS[2]}"
    if [ "$COMP_CWORD" = 2 ]; then
      mapfile -t COMPREPLY < <(compgen -W "cp ls cat --help" -- "$current")
      return
    fi
  fi
  case $previous in
    --store) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --commands) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --set | --nodes | --cpus | --tries | --timeout | --only | --node | --command | \
      --profile | --region | --endpoint-url) return ;;
  esac
  case $command in
    validate) options="--set --json --help" ;;
    plan) options="--commands --set --nodes --cpus --tries --timeout --only --json --help" ;;
    run) options="--commands --set --nodes --cpus --tries --timeout --only --store --dry-run --json --quiet --help" ;;
    status) options="--store --watch --json --help" ;;
    logs) options="--store --node --command --follow --failed --runtime --json --help" ;;
    stop) options="--store --json --help" ;;
    resume) options="--store --only --json --quiet --renumbered --help" ;;
    list) options="--store --json --help" ;;
    rm) options="--store --dry-run --json --help" ;;
    's3 cp') options="--recursive --only-changed --quiet --json --profile --region --endpoint-url --help" ;;
    's3 ls') options="--recursive --json --profile --region --endpoint-url --help" ;;
    's3 cat') options="--profile --region --endpoint-url --help" ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi
  case $command in
    validate | plan | run | 's3 cp') mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    status | logs | stop | resume | rm)
      runs=$(ls "$(_mnp_store)/runs" 2>/dev/null)
      mapfile -t COMPREPLY < <(compgen -W "$runs" -- "$current")
      ;;
  esac
}
complete -o filenames -F _mnp mnp
