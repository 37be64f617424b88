{{/* Environment variables that only auth has. */}}
{{- define "duet.environment.auth" -}}
- name: KEY_ENCRYPTION_KEY
  valueFrom:
    secretKeyRef: {name: {{ include "duet.keyEncryptionSecret" . }}, key: {{ .Values.keyEncryption.key }}}
- {name: SIGNING_ALGORITHM, value: {{ .Values.tokens.algorithm }}}
- {name: ACCESS_TOKEN_MINUTES, value: {{ .Values.tokens.accessMinutes | quote }}}
{{- end }}

{{- define "duet.keyEncryptionSecret" -}}
{{- if .Values.keyEncryption.existingSecret }}
{{- .Values.keyEncryption.existingSecret }}
{{- else if not .Values.global.duet.createSecrets }}
{{- fail (printf "duet-auth: set keyEncryption.existingSecret to a Secret that holds 32 random bytes in base64 under the key %q; only the chart `duet` creates Secrets, and only if global.duet.createSecrets is true" .Values.keyEncryption.key) }}
{{- else }}
{{- include "duet.name" (list . "auth-keys") }}
{{- end }}
{{- end }}

{{- define "duet.egress.auth" }}{{ end }}
