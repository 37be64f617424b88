{{- define "duet.podDisruptionBudget" -}}
{{- $component := include "duet.component" . }}
{{- if and .Values.podDisruptionBudget.enabled (gt (int (include "duet.minReplicas" .)) 1) }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "duet.name" (list . $component) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
spec:
  maxUnavailable: 1
  # A pod that is not ready may always be evicted. Otherwise a broken pod would block a node drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "duet.selector" (list . $component) | nindent 6 }}
{{- end }}
{{- end }}

{{- define "duet.horizontalPodAutoscaler" -}}
{{- $component := include "duet.component" . }}
{{- with .Values.autoscaling }}
{{- if .enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "duet.name" (list $ $component) }}
  labels: {{- include "duet.labels" (list $ $component) | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "duet.name" (list $ $component) }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ .targetCPU }}}
{{- end }}
{{- end }}
{{- end }}
