{{/* Settings of every pod: no service account token, and the restricted Pod Security Standard. The
     argument is the user id. */}}
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

{{/* The root filesystem is read-only unless a service chart's `readOnlyRootFilesystem` is false. The
     umbrella chart has no such value. */}}
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

{{/* Scheduling settings of a service's pods and of its migration. */}}
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
