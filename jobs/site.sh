# What the scripts of this folder share: options from the command line and the site file, how programs run where a
# module or a container brings them, and what Slurm says of jobs. The sourcing script defines `help` and `jobs`, the
# path of this folder.

fail() {
  echo "${0##*/}: error: $1" >&2
  exit "${2:-1}"
}
refuse() { fail "$1; see --help" 2; }
warn() { echo "${0##*/}: warning: $*" >&2; }

option_names="account container gpus-per-node memory model models modules output-dir partition programs qos ranks \
report-partition report-time sbatch site time turns"
byte_order_mark=$'\xEF\xBB\xBF' # that editors of Windows put in front of a text
declare -A option=()         # name, value
declare -a sbatch_options=() # those that have no name of ours
declare -A given=()          # of the options, those of the command line
declare -a words=()          # arguments that are no options
declare -a rest=()           # arguments behind --

# set_option NAME VALUE WHERE: a leading ~/, which bash leaves in --programs=~/bin, is the home folder.
set_option() {
  local value=${2/#\~\//$HOME/} hint=
  [[ $3 != "command line" ]] || hint=${further_options:-}
  [[ " $option_names " == *" $1 "* ]] || refuse "$3: there is no option '$1'$hint"
  [[ -n $value ]] || refuse "$3: expected a value of $1, found nothing"
  [[ $value != --* || $1 == sbatch ]] || refuse "$3: expected a value of $1, found '$value'"
  if [[ $1 == sbatch ]]; then sbatch_options+=("$value"); else option[$1]=$value; fi
  [[ $3 != "command line" ]] || given[$1]=$value
}

# read_options ARGUMENT...: the command line, then the site file for what is left open.
read_options() {
  local argument
  while (($#)) && [[ $1 != -- ]]; do
    argument=${1#--}
    case $1 in
      --help | -h) help && exit ;;
      --print) option[print]=yes ;;
      --no-check) option[no-check]=yes ;;
      --*=*) set_option "${argument%%=*}" "${argument#*=}" "command line" ;;
      --*)
        set_option "$argument" "${2:-}" "command line"
        shift
        ;;
      -*) refuse "command line: there is no option '$1': all are written out, such as --site" ;;
      *) words+=("$1") ;;
    esac
    shift
  done
  rest=("${@:2}")
  read_site
}

site_file() {
  local file
  for file in "${option[site]:-}" "${XDG_CONFIG_HOME:-$HOME/.config}/alphahill/site" "$jobs/site"; do
    if [[ -e $file ]]; then echo "$file" && return; fi
  done
}

# Lines "name = value"; # begins a comment, at the start of a line or behind a blank. One pair of quotes around a value
# is no part of it.
read_site() {
  local file line name value number=0
  local form='^[[:space:]]*([a-z-]+)[[:space:]]*=[[:space:]]*(.*[^[:space:]])[[:space:]]*$'
  [[ -r ${option[site]:-/dev/null} ]] || refuse "--site: cannot read '${option[site]}'"
  file=$(site_file)
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    line=${line#"$byte_order_mark"}
    [[ ! $line =~ ^[[:space:]]*(#|$) ]] || continue
    [[ ${line%%[[:space:]]#*} =~ $form ]] || refuse "$file, line $number: expected 'name = value', found '$line'"
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    [[ ! $value =~ ^\"([^\"]*)\"$ && ! $value =~ ^\'([^\']*)\'$ ]] || value=${BASH_REMATCH[1]}
    [[ -v option[$name] ]] || set_option "$name" "$value" "$file, line $number"
  done <"${file:-/dev/null}"
}

# The folder of the programs; nothing where they are on PATH, or a module or a container brings them.
programs_folder() {
  local preset built
  [[ -v option[gpus-per-node] ]] && preset=cuda || preset=release
  built=$jobs/../build/$preset/bin
  if [[ -v option[programs] || -v option[container] || -v option[modules] ]]; then
    echo "${option[programs]:-}"
  elif [[ -x $built/alpha-hill ]]; then
    (cd "$built" && pwd)
  elif ! command -v alpha-hill >/dev/null; then
    fail "found no alpha-hill in build/$preset/bin or on PATH: build it, or say --programs, --modules or --container"
  fi
}

# load_modules "NAME NAME ..."
load_modules() {
  [[ -n $1 ]] || return 0
  set +eu # the module command is not ours
  declare -F module >/dev/null || source /etc/profile
  # shellcheck disable=SC2086 # a word a module
  module load $1 || fail "module load $1 failed"
  set -eu
}

# program_command NAME CONTAINER PROGRAMS_FOLDER: the array `program` becomes what runs it; quotes in CONTAINER hold
# words together.
program_command() {
  mapfile -t program < <(xargs -r printf '%s\n' <<<"$2")
  program+=("${3:+$3/}$1")
}

# In a folder of results: the analyses that were submitted for it, a job or JOB_TASK a line.
submitted_file=alpha_hill.jobs

# ask_slurm JOB...: the associative array `job_state` of those that are queued or running, by both of the ids that a
# task of an array has, of which `raw_id` has the one that its lock says. Fails where Slurm does not answer.
ask_slurm() {
  local said id raw state
  declare -gA job_state=() raw_id=()
  (($#)) || return 0
  said=$(IFS=, && timeout 30 squeue --array --noheader --jobs="$*" --format="%i %A %T" 2>&1) ||
    { [[ $said == *"Invalid job id"* ]] && said=; } || return 1
  while read -r id raw state; do
    [[ -z $id ]] || job_state[$id]=$state job_state[$raw]=$state raw_id[$id]=$raw raw_id[$raw]=$raw
  done <<<"$said"
}
