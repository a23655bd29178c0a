#!/bin/sh
# Collects one person's records with curl, and follows every step. Needs curl, sed and grep.
#
#   URL=http://127.0.0.1:8000 NAME=김하늘 BIRTHDATE=19840517 PHONE=01000000001 GENDER=M docs/examples/collect.sh
#
# The person agrees to the texts of $URL/api/v1/consents/texts, and approves on the phone (of `make run`: the sandbox's
# /phone). Ends with 0 when the records are stored, with another number when the session ended otherwise.
set -eu

api="$URL/api/v1"
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT INT TERM

# The cookie of the session stays in the jar; an unsafe call with it must name the origin of a listed front end.
call() { curl --silent --show-error --fail-with-body --location --max-time 60 -b "$jar" -c "$jar" -H "Origin: $URL" "$@"; }
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

session=$(call -H 'Content-Type: application/json' "$api/tilko/session/start" -d "{
  \"user_name\": \"$NAME\", \"birthdate\": \"$BIRTHDATE\", \"phone_no\": \"$PHONE\", \"gender\": \"$GENDER\",
  \"private_auth_type\": \"0\", \"redirect_path\": \"/results-trend\",
  \"consents\": [\"service\", \"collection\", \"sensitive\", \"third_party_tilko\"]}" | field session_id)
call -X POST "$api/tilko/session/simple-auth?session_id=$session" > /dev/null
echo "session $session: approve on the phone"

# Server-sent events. A connection that breaks is opened again at the last place; a browser's EventSource does so itself.
place=0
patient=
while [ -z "$patient" ]; do
  events=$(call --no-buffer --max-time 5 --write-out '\nanswered: %{http_code}' \
    "$api/tilko/session/$session/events?after_seq=$place" 2> /dev/null || true)
  case $events in *"answered: 401" | *"answered: 403" | *"answered: 404") printf '%s\n' "$events" >&2; exit 1 ;; esac
  printf '%s\n' "$events" | grep '^data: {.*"seq"' | sed 's/.*"message":"\([^"]*\)".*/\1/' || true
  newest=$(printf '%s\n' "$events" | sed -n 's/^id: //p' | tail -n 1)
  place=${newest:-$place}
  patient=$(printf '%s\n' "$events" | grep '"status":"completed"' | field patient_uuid || true)
  if printf '%s\n' "$events" | grep -q -E '"type":"(expired|cancelled|error)"'; then exit 1; fi
  [ -n "$patient" ] || sleep 3
done

for kind in checkups prescriptions; do
  printf '%s: %s\n' "$kind" "$(call "$api/patients/$patient/$kind?limit=100" | grep -o '{"id":[0-9]*' | wc -l)"
done
