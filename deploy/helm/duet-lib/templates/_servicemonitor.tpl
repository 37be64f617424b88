{{- define "duet.serviceMonitor" -}}
{{- $component := include "duet.component" . }}
{{- with .Values.global.duet.metrics.serviceMonitor }}
{{- if .enabled }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "duet.name" (list $ $component) }}
  labels:
    {{- include "duet.labels" (list $ $component) | nindent 4 }}
    {{- with .labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels: {{- include "duet.selector" (list $ $component) | nindent 6 }}
  endpoints:
    - {port: http, path: /metrics, interval: {{ .interval }}}
{{- end }}
{{- end }}
{{- end }}
