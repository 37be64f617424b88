{{/* What every pod of Duet's charts has: no token, the restricted Pod Security Standard. */}}
{{- define "duet.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* Read-only unless a service chart's value says no; the umbrella has no such value. */}}
{{- define "duet.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: {{ dig "readOnlyRootFilesystem" true .Values.AsMap }}
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "duet.pullSecrets" -}}
{{- with .Values.global.duet.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Where a service's pods and migration may run. */}}
{{- define "duet.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "duet.volumeMounts" -}}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if .Values.database.tls.caSecret }}
  - {name: database-ca, mountPath: /etc/duet/database-ca, readOnly: true}
  {{- end }}
{{- end }}

{{- define "duet.volumes" -}}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  {{- with .Values.database.tls }}
  {{- if .caSecret }}
  - name: database-ca
    secret:
      secretName: {{ .caSecret }}
      items: [{key: {{ .caKey }}, path: ca.crt}]
  {{- end }}
  {{- end }}
{{- end }}
