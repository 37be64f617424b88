{{- define "duet.deployment" -}}
{{- $component := include "duet.component" . }}
{{- $metrics := .Values.global.duet.metrics }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "duet.name" (list . $component) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{- include "duet.selector" (list . $component) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "duet.podLabels" (list . $component) | nindent 8 }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ $component }}
        {{- if and $metrics.scrapeAnnotations (not $metrics.serviceMonitor.enabled) }}
        prometheus.io/scrape: "true"
        prometheus.io/port: "8000"
        prometheus.io/path: /metrics
        {{- end }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "duet.serviceAccountName" . }}
      {{- include "duet.podSecurity" 10001 | nindent 6 }}
      {{- with include "duet.pullSecrets" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "duet.placement" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      terminationGracePeriodSeconds: {{ .Values.shutdown.gracePeriodSeconds }}
      {{- if .Values.topologySpread.enabled }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: {{ $.Values.topologySpread.whenUnsatisfiable }}
          labelSelector:
            matchLabels: {{- include "duet.selector" (list $ $component) | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      {{- end }}
      containers:
        - name: {{ $component }}
          image: {{ include "duet.image" . | quote }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [serve]
          ports:
            - {name: http, containerPort: 8000}
          env:
            {{- include "duet.environment" . | nindent 12 }}
            {{- include "duet.tracingEnvironment" . | indent 12 }}
          {{- include "duet.probes" . | nindent 10 }}
          lifecycle:
            preStop:
              # Gives every proxy time to stop sending requests to this pod. The drain begins afterwards.
              sleep: {seconds: {{ .Values.shutdown.preStopSeconds }}}
          {{- include "duet.containerSecurity" . | nindent 10 }}
          resources: {{- toYaml .Values.resources | nindent 12 }}
          {{- include "duet.volumeMounts" . | nindent 10 }}
      {{- include "duet.volumes" . | nindent 6 }}
{{- end }}

{{/* The liveness probe does not check dependencies. The readiness probe checks the schema, so that a pod
     is not ready before the migration has finished. */}}
{{- define "duet.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: http}
  {{- toYaml .Values.probes.startup | nindent 2 }}
livenessProbe:
  httpGet: {path: /livez, port: http}
  {{- toYaml .Values.probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: http}
  {{- toYaml .Values.probes.readiness | nindent 2 }}
{{- end }}
