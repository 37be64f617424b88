{{/* The services whose database is on the chart's own PostgreSQL: "auth content", or only one of them. */}}
{{- define "duet.postgresServices" -}}
{{- if .Values.global.duet.postgres.enabled }}
{{- range list .Subcharts.auth .Subcharts.content }}
{{- if not .Values.database.host }} {{ include "duet.component" . }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The Secret that holds the superuser's password. */}}
{{- define "duet.postgresSecret" -}}
{{- if .Values.postgres.existingSecret }}
{{- .Values.postgres.existingSecret }}
{{- else if not .Values.global.duet.createSecrets }}
{{- fail (printf "duet: global.duet.createSecrets is false, so postgres.existingSecret must name a Secret that holds the superuser's password under the key %q" .Values.postgres.passwordKey) }}
{{- else }}
{{- include "duet.name" (list . "postgres") }}
{{- end }}
{{- end }}

{{/* The input of `duet-auth make-secrets`, in the format that README.md describes. It contains no
     random values, so that rendering is reproducible. */}}
{{- define "duet.secretsSpec" -}}
{{- $secrets := list }}
{{- $password := dict "generate" "password" }}
{{- range include "duet.postgresServices" . | trim | splitList " " | compact }}
{{- $service := index $.Subcharts . }}
{{- $database := $service.Values.database }}
{{- if not $database.existingSecret }}
{{- $url := printf "postgresql://duet_%s:{%s}@%s:5432/duet_%s" . $database.passwordKey (include "duet.name" (list $ "postgres")) . }}
{{- $data := dict $database.passwordKey $password $database.urlKey (dict "template" $url) }}
{{- $secrets = append $secrets (dict "name" (include "duet.databaseSecret" $service) "data" $data) }}
{{- end }}
{{- end }}
{{- with .Subcharts.auth.Values.keyEncryption }}
{{- if not .existingSecret }}
{{- $data := dict .key (dict "generate" "base64-32") }}
{{- $secrets = append $secrets (dict "name" (include "duet.keyEncryptionSecret" $.Subcharts.auth) "data" $data) }}
{{- end }}
{{- end }}
{{- if and .Values.global.duet.postgres.enabled (not .Values.postgres.existingSecret) }}
{{- $data := dict .Values.postgres.passwordKey $password }}
{{- $secrets = append $secrets (dict "name" (include "duet.postgresSecret" .) "data" $data) }}
{{- end }}
{{- $labels := dict
  "app.kubernetes.io/name" "duet"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/part-of" "duet"
  "app.kubernetes.io/managed-by" "duet-make-secrets" }}
{{- dict "labels" $labels "secrets" $secrets | toJson }}
{{- end }}
