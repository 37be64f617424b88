{{- define "duet.service" -}}
{{- $component := include "duet.component" . }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "duet.name" (list . $component) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
spec:
  selector: {{- include "duet.selector" (list . $component) | nindent 4 }}
  ports:
    - {name: http, port: 8000, targetPort: http, appProtocol: http}
{{- end }}

{{- define "duet.serviceAccountName" -}}
{{- $own := include "duet.name" (list . (include "duet.component" .)) }}
{{- .Values.serviceAccount.name | default (ternary $own "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "duet.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "duet.serviceAccountName" . }}
  labels: {{- include "duet.labels" (list . (include "duet.component" .)) | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}
{{- end }}
