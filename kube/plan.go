package kube

type planMemory struct{}
