#!/bin/sh
# A session with curl: curl.sh BASE PASSWORD KEY FOLDER [option of curl]…; prints the statuses. The proxy is in the environment.
set -eu
base=$1 password=$2 key=$3 folder=$4
shift 4
json='Content-Type: application/json'
ask() { curl -sS --max-time 60 -o "$folder/answer" -w '%{http_code} ' "$@"; }
ask "$@" --compressed -c "$folder/jar" -H "$json" -d "{\"user\":\"ann\",\"password\":\"$password\"}" "$base/login"
token=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' "$folder/answer")
ask "$@" -b "$folder/jar" -H "Authorization: Bearer $token" "$base/me"
ask "$@" -G --data-urlencode "access_token=$token" "$base/items"
ask "$@" -H "$json" -d "{\"auth\":{\"session_token\":\"$token\"}}" "$base/json"
ask "$@" -L "$base/go"
printf '\000\001binary' > "$folder/a.png"
ask "$@" -F "password=$password" -F "file=@$folder/a.png;type=image/png" "$base/upload"
printf '{"api_key":"%s"}' "$key" | gzip -n > "$folder/body.gz"
ask "$@" -H "$json" -H 'Content-Encoding: gzip' --data-binary "@$folder/body.gz" "$base/gzip"
rm "$folder/jar" "$folder/answer" "$folder/body.gz"
