{{/* Environment variables that only content has. None of them holds a secret of auth's. */}}
{{- define "duet.environment.content" -}}
- {name: JWKS_URL, value: {{ .Values.jwks.url | default (printf "http://%s:8000/.well-known/jwks.json" (include "duet.name" (list . "auth"))) | quote }}}
{{- end }}

{{- define "duet.egress.content" -}}
{{- if .Values.jwks.url }}
{{- include "duet.egressTo" (list (include "duet.portOf" .Values.jwks.url) .Values.jwks.peers) }}
{{- else -}}
- ports:
    - {port: 8000, protocol: TCP}
  to:
    - podSelector:
        matchLabels: {{- include "duet.selector" (list . "auth") | nindent 10 }}
{{- end }}
{{- end }}
