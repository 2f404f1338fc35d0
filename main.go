// Rollbook walks an on-call engineer through a rollback: assess, decide,
// choose, confirm, roll back, verify, close.
package main

func main() {}
