{{/*
nats.conf.

S1. What is acknowledged was flushed to the disk of most servers (sync_interval): it survives a power cut of all of them.
S2. Only gateways publish what clients see (live subjects) and what is stored. Apps ask gateways, read two buckets, and see no
    publications. Gateways alone write revocations. Only gateways and persistence make or change streams: who may, can have them republish to live subjects.
S3. Passwords come from the environment; none stands here.
*/}}
{{- define "nats.conf" -}}
{{- $prefix := .Values.prefix -}}
{{- $upper := upper .Values.prefix -}}
server_name: $POD_NAME
listen: 0.0.0.0:4222
http: 0.0.0.0:8222
pid_file: /tmp/nats.pid
lame_duck_grace_period: 5s
lame_duck_duration: 30s
max_payload: {{ .Values.maxPayload | int }}
max_pending: {{ .Values.maxPending }}

jetstream {
  store_dir: /data
  max_file_store: {{ .Values.jetstream.maxFileStore }}
  max_memory_store: {{ .Values.jetstream.maxMemoryStore }}
  # S1
  sync_interval: {{ .Values.jetstream.syncInterval }}
}

# S2, S3
accounts {
  MESH {
    jetstream: enabled
    users: [
      {
        user: gateway
        password: $NATS_GATEWAY_PASSWORD
        permissions {
          publish {
            allow: ["{{ $prefix }}.>", "$KV.>", "$JS.API.>", "_INBOX_{{ $prefix }}.>"]
            deny: ["$JS.API.STREAM.DELETE.>"]
          }
          subscribe: ["{{ $prefix }}.>", "_INBOX_{{ $prefix }}.>"]
        }
      }
      {
        user: persistence
        password: $NATS_PERSISTENCE_PASSWORD
        permissions {
          publish {
            allow: ["{{ $prefix }}.s.*", "$KV.{{ $upper }}_topology.>", "$KV.{{ $upper }}_registry.>", "$JS.API.>"]
            deny: ["$JS.API.STREAM.DELETE.>"]
          }
          subscribe: ["{{ $prefix }}.kv.>", "_INBOX_{{ $prefix }}.>"]
        }
      }
      {
        user: app
        password: $NATS_APP_PASSWORD
        permissions {
          publish: [
            "{{ $prefix }}.app.beat", "{{ $prefix }}.api.*", "_INBOX_{{ $prefix }}.>",
            "$KV.{{ $upper }}_registry.>",
            "$JS.API.STREAM.INFO.KV_{{ $upper }}_topology", "$JS.API.STREAM.INFO.KV_{{ $upper }}_registry",
            "$JS.API.STREAM.MSG.GET.KV_{{ $upper }}_topology", "$JS.API.STREAM.MSG.GET.KV_{{ $upper }}_registry"
          ]
          subscribe: ["{{ $prefix }}.app.>", "{{ $prefix }}.p.beat", "{{ $prefix }}.kv.>", "_INBOX_{{ $prefix }}.>"]
        }
      }
    ]
  }
  SYS {
    users: [{ user: system, password: $NATS_SYSTEM_PASSWORD }]
  }
}
system_account: SYS
{{- if gt (int .Values.replicas) 1 }}

cluster {
  name: {{ include "nats.name" . }}
  listen: 0.0.0.0:6222
  authorization { user: route, password: $NATS_ROUTE_PASSWORD }
  routes: [
    {{- range $index := until (int .Values.replicas) }}
    $NATS_ROUTE_{{ $index }}
    {{- end }}
  ]
}
{{- end }}
{{- end -}}
